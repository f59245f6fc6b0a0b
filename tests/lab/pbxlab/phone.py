# SPDX-License-Identifier: GPL-2.0-or-later
"""A telephone at a site."""
from ringlab.telephone import Telephone

from .site import OWN, PHONES, VIP


class Phone(Telephone):
    def __init__(self, site, user, **args):
        super().__init__(f"/run/netns/{site.ns(PHONES)}", user, OWN, VIP, **args)
