"""When a certificate's end is worth a mail: once per certificate at the configured time, 7 days and 1 day before it."""

from __future__ import annotations

from dataclasses import replace

from prober.core.model import CertificateExpiring, Event, ProbeState, Result

DAY_MS = 86_400_000
STAGES_MS = (7 * DAY_MS, DAY_MS)


def warn(state: ProbeState, result: Result, *, warn_ms: int | None) -> tuple[ProbeState, tuple[Event, ...]]:
    """Return the state that remembers the warning, and the warning when it is due. ``warn_ms`` None asks for none."""
    certificate = result.certificate
    if warn_ms is None or certificate is None:
        return state, ()
    left_ms = certificate.not_after_ms - result.at_ms
    reached = [stage for stage in (warn_ms, *STAGES_MS) if left_ms < stage <= warn_ms]
    told_ms = state.certificate_stage_ms if state.certificate == certificate.fingerprint else None
    if not reached or (told_ms is not None and told_ms <= min(reached)):
        return state, ()
    event = CertificateExpiring(
        probe_id=result.probe_id,
        at_ms=result.at_ms,
        fingerprint=certificate.fingerprint,
        not_after_ms=certificate.not_after_ms,
        stage_ms=min(reached),
    )
    told = replace(state, certificate=certificate.fingerprint, certificate_stage_ms=min(reached))
    return told, (event,)
