"""One allowance of bytes per second for all connections together."""

from __future__ import annotations


class Throttle:
    """A token bucket that may go into debt: who takes more than there is waits until it is paid back. Clock-free."""

    def __init__(self, rate_bytes_s: int) -> None:
        self._rate = rate_bytes_s
        self._free_at_s = 0.0

    @property
    def active(self) -> bool:
        return self._rate > 0

    def take(self, size_bytes: int, now_s: float) -> float:
        """Seconds for which the reader has to pause after `size_bytes`; 0 without a limit."""
        if self._rate <= 0:
            return 0.0
        self._free_at_s = max(self._free_at_s, now_s) + size_bytes / self._rate
        return self._free_at_s - now_s

    def owed_s(self, now_s: float) -> float:
        """Seconds to wait before more is asked for: answers that came at once in full are paid for here."""
        return max(0.0, self._free_at_s - now_s)
