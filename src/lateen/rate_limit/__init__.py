"""The rate limit service: counts requests for all proxies together, by Envoy's protocol.

descriptor  ->  limits     which limit it has: of a RateLimit, of a configuration, its own
            ->  counters   the counter of its values
            ->  a store    memory of this process, or Redis for several of them
            ->  answer     OK or OVER_LIMIT, what is left, when it is filled again
"""
