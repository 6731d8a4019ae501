"""The shop's orders, laid out by key, as a table should be that is corrected by key."""

from __future__ import annotations

from dataclasses import replace

from tests.bench.domains.shop.domain import DOMAIN as SHOP

DOMAIN = replace(SHOP, name="ordered_shop", tables=(replace(SHOP.table("orders"), cluster=("order_id",)),))
