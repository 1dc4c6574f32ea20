"""Keys that tokens of requests are checked with, fetched for the proxies (JSON Web Key Sets).

    RequestAuthentication -> KeySource -> KeyRefresh -> documents of keys -> the mesh, by source
                                              |
                                    discovery, fetch (bounded, checked addresses), kept keys

The URIs come from whoever may write a RequestAuthentication, so everything here takes them for
hostile: see `reach` for where a connection may go and `fetch` for how much an answer may cost.
"""
