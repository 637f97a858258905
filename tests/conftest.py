"""Settings of every test."""

from hypothesis import settings

from built_site import address, site
from chromium import chromium

# One browser and one server of the site for the whole run: two of playwright's loops cannot live in one thread.
__all__ = ["address", "chromium", "site"]

# No test depends on how fast the machine is.
settings.register_profile("rfguide", deadline=None)
settings.load_profile("rfguide")
