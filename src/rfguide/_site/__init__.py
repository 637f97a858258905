"""The machinery of the verified site; no part of the wheel.

Read in this order: `grammar` (what a page may say), `runner` (what its code gives), `check` (does the
page tell the truth), `latex` and `catalogue` (do its formulas), then what readers see of it.
"""
