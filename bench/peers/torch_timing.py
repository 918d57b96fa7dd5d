"""How the PyTorch peers of bench:nets and bench:ops take times: as bench/timing.ts does."""
import resource
import time


def time_calls(call, seconds):
    def timed():
        t = time.perf_counter()
        call()
        return (time.perf_counter() - t) * 1e3

    def many(until, least):
        times = []
        while sum(times) < until * 1e3 or len(times) < least:
            times.append(timed())
        return times

    first = timed()
    many(seconds / 2, 1)
    times = sorted(many(seconds, 5))
    return {
        "msMedian": float(f"{times[len(times) // 2]:.4g}"),
        "msMin": float(f"{times[0]:.4g}"),
        "firstMs": float(f"{first:.4g}"),
        "peakMB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
