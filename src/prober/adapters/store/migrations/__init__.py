"""The tables and views, as migrations: appended one by one, never edited after they landed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prober.adapters.store.migrations.m001_initial import m001_initial
from prober.adapters.store.migrations.m002_keeping import m002_keeping
from prober.adapters.store.migrations.m003_people import m003_people
from prober.adapters.store.migrations.m004_service import m004_service
from prober.adapters.store.migrations.m005_runs import m005_runs
from prober.adapters.store.migrations.m006_maintenance import m006_maintenance
from prober.adapters.store.migrations.m007_standby import m007_standby

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

MIGRATIONS: tuple[Callable[[Database], None], ...] = (
    m001_initial,
    m002_keeping,
    m003_people,
    m004_service,
    m005_runs,
    m006_maintenance,
    m007_standby,
)
