"""The simulated market: companies, prices, dividends, posts and visits that agree with each other.

Pure functions of (seed, symbol, time), without state, clock or I/O beyond the packaged table of companies.
How the sources dress it up for the wire belongs to the modules one level up.
"""
