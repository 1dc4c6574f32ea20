"""The agent's resolver for names of the mesh.

server.py      UDP and TCP; decides between the two below
table.py       names from the control plane, with the short forms a pod's search list makes
upstream.py    every other name: the host's resolvers
resolv_conf.py which resolvers and search list those are
"""
