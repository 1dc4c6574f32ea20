"""EnvoyFilter: a user's patches of what was generated for a proxy, as a layer over its cells.

    view.envoy_filter   which patches concern a proxy
    patch, value        what a patch says, its value read into Envoy's own messages
    match               which object a patch is for
    merge, sequence     what an operation does to a message, to a list
    listeners routes clusters   one resource, patched
    layer               the cells, names and problems

Nothing that generates resources knows of this package.
"""
