"""The sandbox: a simulated market (`world`) and a server that replies to requests in the real sources' own forms.

Nothing here reads from or writes to the lake. Everything it serves is a pure function of the seed, the request and
an instant, so any past answer can be had again.
"""
