"""The configuration file ``probes.toml``: found, read, judged, described."""

from __future__ import annotations

from prober.adapters.config.find import find_config
from prober.adapters.config.load import load_config
from prober.adapters.config.problems import InvalidConfig, Problem
from prober.adapters.config.schema import schema
from prober.adapters.config.show import Row, effective
from prober.core.toml import toml_text

__all__ = ["InvalidConfig", "Problem", "Row", "effective", "find_config", "load_config", "schema", "toml_text"]
