# SPDX-License-Identifier: GPL-2.0-or-later
"""Two PBXs with the same address in namespaces of their own, their adapters, and phones that can be led to either."""
from .adapter import Adapter  # noqa: F401
from .phone import Phone  # noqa: F401
from .site import OWN, PHONES, VIP, Site  # noqa: F401
