"""How the PyTorch peers of bench:nets and bench:ops take times: as bench/timing.ts does, a JSON object per row."""
import argparse
import json
import resource
import time

import torch


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


def print_rows(make, rows, seconds):
    """Times what `make` returns for each row; `rows` and `seconds` are the defaults of the flags."""
    p = argparse.ArgumentParser()
    p.add_argument("--rows", default=rows)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seconds", type=float, default=seconds)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    for name in a.rows.split(","):
        timing = time_calls(make(name), a.seconds)
        print(json.dumps({"engine": "torch", "version": torch.__version__, "row": name, "threads": a.threads, **timing}), flush=True)
