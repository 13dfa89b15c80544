# SPDX-License-Identifier: MIT
"""What is asked, of whom, and what answer was promised: the table of bench/."""

from dataclasses import dataclass

PLAIN = ("glibc", "jemalloc", "mimalloc", "tcmalloc")
HUGE = ("glibc hugetlb=1", "glibc hugetlb=2", "jemalloc thp", "mimalloc large", "tcmalloc memfs",
        "autohbw")
PEERS = PLAIN + HUGE
BOTH = ("contig", "contig no pool")
PAGES = ("hugetlb_mib", "thp_mib")
MS = 1e-6  # of a nanosecond


@dataclass(frozen=True)
class Bar:
    """A promise about @side.

    speed: the best of @peers takes at least @bound times as long; faster: more than that;
    excess: it needs at most @bound more than @peers; at most, at least: its figure is that.
    @bound None: shown, not judged. @statistic: "median", or "low": the best run of each side,
    which says what neighbours on a busy machine hide; or "high": the worst run of each side.
    """
    kind: str
    side: str
    peers: tuple
    bound: float
    text: str
    metric: str = ""  # empty: the question's
    statistic: str = "median"


@dataclass(frozen=True)
class Question:
    """One program, one figure.

    way: "program" prints a line of JSON; "callgrind" counts the instructions of one operation;
    "spawn" prints a line for each side itself; "command" is timed from outside.
    argument: of the program, the one that @limit_s may lower for slow sides.
    fragment: arguments of bench/fragment, which holds the machine fragmented meanwhile.
    churn: arguments of bench/churn, which uses the pool before each run of a side that needs it,
    each turn in another way: the order, the MiB left free, and the MiB of the holes in it, one
    after the other.
    contiguous: the pool is reserved as gigabytes side by side and holds nothing else.
    """
    name: str
    title: str
    command: tuple
    sides: tuple
    bars: tuple
    unit: str
    scale: float = 1.0      # of the metric, for the unit
    metric: str = "ns"
    way: str = "program"
    pool_mib: int = 0
    runs: int = 0           # 0: as many as were asked for
    more_runs: int = 1      # times as many, where neighbours disturb most
    warm_runs: int = 1
    limit_s: float = 0.0
    details: tuple = ()     # other metrics to show
    fragment: tuple = ()
    churn: tuple = ()
    contiguous: bool = False
    long_only: bool = False


def updates(name, mib, **others):
    """Random updates of @mib MiB while the pool holds them."""
    return Question(
        name, f"random 8-byte updates over {mib} MiB, pool full", ("updates", "malloc", str(mib)),
        ("contig", "hugetlb by hand", "THP by hand", "glibc"),
        (Bar("speed", "contig", ("hugetlb by hand",), 0.97, "speed of mmap(MAP_HUGETLB)"),
         Bar("speed", "contig", ("hugetlb by hand",), None, "speed of mmap(MAP_HUGETLB)",
             statistic="low"),
         Bar("speed", "contig", ("glibc",), None, "speed of glibc"),
         Bar("speed", "contig", ("THP by hand",), None, "speed of MADV_HUGEPAGE")),
        "ns an update", pool_mib=mib + 256, more_runs=2, details=("touch_ms",) + PAGES,
        **others)


def compression(name, command):
    """A real program on 20 MB of this machine's own files.

    Its one thread waits for nothing, so its processor time is its time, without that of
    neighbours, which would hide one percent; the wall time stands beside it.
    """
    return Question(
        name, f"{' '.join(command)} of 20 MB", command,
        ("contig", "glibc", "glibc hugetlb=1", "glibc hugetlb=2", "jemalloc thp"),
        (Bar("speed", "contig", ("glibc", "glibc hugetlb=1", "glibc hugetlb=2", "jemalloc thp"),
             0.99, "speed of the best"),
         Bar("speed", "contig", ("glibc", "glibc hugetlb=1", "glibc hugetlb=2", "jemalloc thp"),
             None, "speed of the best", statistic="low"),
         Bar("speed", "contig", ("glibc",), None, "speed of glibc")),
        "s of processor time", metric="cpu_s", way="command", pool_mib=768, warm_runs=0,
        details=("wall_s", "system_s"))


def stall_bars():
    """Time and worst stall of an allocation against THP's, at the median and at the worst."""
    return tuple(
        Bar("speed", "contig mthp", ("THP by hand",), 10, text, metric, statistic)
        for metric, text in (("", "speed of MADV_HUGEPAGE"),
                             ("worst_ns", "shorter worst stall than MADV_HUGEPAGE's"))
        for statistic in ("median", "high"))


def contiguous(name, title, order):
    """2 GiB from malloc from a pool of gigabytes side by side."""
    return Question(
        name, f"2 GiB from malloc, pool reserved --contiguous, {title}: entries of a registration",
        ("contiguous", "malloc", "2048"), ("contig", "hugetlb by hand", "THP by hand")
        + PLAIN + ("glibc hugetlb=1", "glibc hugetlb=2", "jemalloc thp", "mimalloc large",
                   "tcmalloc memfs"),
        (Bar("at most", "contig", (), 0, "extents more than the pool has runs",
             "extents_over_runs", "high"),
         Bar("at most", "contig", (), 2, "entries, the pool being one run", "entries_of_one_run",
             "high"),
         Bar("at most", "contig", (), 3, "mappings: min(runs, allocations) + 2", "mappings",
             "high"),
         Bar("speed", "contig", PEERS + ("hugetlb by hand", "THP by hand"), None,
             "fewer entries than the best of all")),
        "entries", metric="entries", pool_mib=2048, contiguous=True, churn=(order, 2048, (2,)),
        details=("extents", "pool_runs", "entry_kib", "mappings", "ms", "hugetlb_mib", "thp_mib"))


def used(name, title, gigabytes):
    """2 GiB from malloc that are all the free pages of a pool full of holes."""
    return Question(
        name, f"2 GiB from malloc, all that is free in a used pool, {title}: entries",
        ("contiguous", "malloc", "2048"), ("contig", "hugetlb by hand"),
        (Bar("at most", "contig", (), 1.1, "entries to the best those pages could give",
             "to_best", "high"),
         Bar("at most", "contig", (), 3, "mappings: min(runs, allocations) + 2", "mappings",
             "high"),
         Bar("at most", "hugetlb by hand", (), None, "entries to the best those pages could give",
             "to_best", "high")),
        "entries", metric="entries", pool_mib=3072, contiguous=gigabytes,
        churn=("random", 2048, (16, 2, 8, 4, 32)),
        details=("best_entries", "to_best", "extents", "free_runs", "entry_kib", "mappings", "ms",
                 "hugetlb_mib"))


def place(name, title, order):
    """The price of placement."""
    return Question(
        name, f"1 GiB placed and touched, pages warm, from a pool whose free pages {title}",
        ("contiguous", "malloc", "1024"), ("contig", "hugetlb by hand"),
        (Bar("speed", "contig", ("hugetlb by hand",), 0.4,
             "speed of mmap(MAP_HUGETLB) and populate"),
         Bar("speed", "contig", ("hugetlb by hand",), None,
             "speed of mmap(MAP_HUGETLB) and populate", statistic="low")),
        "ms", MS, pool_mib=1024, contiguous=True, churn=(order, 1024, (2,)), more_runs=2,
        details=("extents", "entries", "entry_kib", "mappings", "hugetlb_mib"))


QUESTIONS = (
    Question(
        "instructions", "free and malloc of 16 to 512 bytes, 4096 live: instructions of a pair",
        ("small", "200000"), ("contig small",) + PLAIN,
        (Bar("excess", "contig small", ("jemalloc",), 10, "instructions more than jemalloc"),),
        "instructions", metric="instructions", way="callgrind", runs=1, warm_runs=0),
    Question(
        "small", "free and malloc of 16 to 512 bytes, 4096 live: time of a pair",
        ("small", "15000000"), ("contig small",) + PLAIN,
        (Bar("speed", "contig small", ("jemalloc",), 0.97, "speed of jemalloc"),
         Bar("speed", "contig small", ("jemalloc",), None, "speed of jemalloc",
             statistic="low")), "ns", more_runs=2),
    Question(
        "exchange", "two threads that free what the other allocated: time of a pair",
        ("exchange", "1000"), ("contig small",) + PLAIN,
        (Bar("speed", "contig small", ("jemalloc",), 0.97, "speed of jemalloc"),
         Bar("speed", "contig small", ("jemalloc",), None, "speed of jemalloc",
             statistic="low")), "ns", more_runs=2),
    Question(
        "touch", "64 MiB: malloc, touch every page, free, in a loop", ("touch", "100"),
        BOTH + PEERS,
        (Bar("speed", "contig", ("glibc",), 20, "speed of glibc"),
         Bar("faster", "contig", ("jemalloc", "mimalloc", "tcmalloc"), 1,
             "speed of the best of jemalloc, mimalloc, tcmalloc"),
         Bar("speed", "contig", HUGE, None, "speed of the best with its huge page settings"),
         Bar("speed", "contig no pool", ("glibc",), None, "speed of glibc")),
        "ms", MS, pool_mib=1536, limit_s=2, details=PAGES),
    Question(
        "buffers", "buffers of 5 to 25 MiB, 20 live, each touched once: a round",
        ("buffers", "2000"), BOTH + PEERS,
        (Bar("faster", "contig", PEERS, 1, "speed of the best of all"),
         Bar("at most", "contig", (), 1.25, "peak of RSS + hugetlb to peak of live bytes",
             "peak_ratio"),
         Bar("faster", "contig no pool", PEERS, None, "speed of the best of all"),
         Bar("at most", "contig no pool", (), None, "peak of RSS + hugetlb to peak of live bytes",
             "peak_ratio")),
        "ms", MS, pool_mib=1536, limit_s=5, details=("peak_ratio", "peak_used_mib",
                                                     "peak_anon_mib")),
    Question(
        "idle", "what is kept when all is freed, after 10 s and one small malloc",
        ("buffers", "200", "10"), BOTH + ("glibc", "jemalloc"),
        (Bar("at most", "contig", (), 256, "MiB kept (retain)"),
         Bar("at most", "contig no pool", (), 256, "MiB kept (retain)")),
        "MiB", metric="kept_mib", pool_mib=1536, runs=1, warm_runs=0),
    Question(
        "grow", "realloc from 1 MiB to 1 GiB in steps of 1.5x, each touched", ("grow",),
        BOTH + PEERS,
        (Bar("speed", "contig", PEERS, 1, "speed of the best of all"),
         Bar("speed", "contig no pool", PEERS, None, "speed of the best of all")),
        "ms", MS, pool_mib=2560, details=PAGES),
    Question(
        "fragmented", "512 MiB touched, on a machine with one pinned page in each 2 MiB",
        ("stall", "malloc", "512"),
        ("contig mthp", "contig", "contig thp", "THP by hand", "THP and mTHP by hand",
         "glibc hugetlb=1", "jemalloc thp") + PLAIN,
        (Bar("at least", "contig mthp", (), 100, "percent on pages of 1 MiB or more", "on_1m"),
         Bar("at least", "contig", (), 100, "percent on pages of 2 MiB", "on_2m"),
         Bar("at most", "THP by hand", (), None, "percent on pages of 2 MiB", "on_2m"))
        + stall_bars(),
        "ms", MS, pool_mib=576, runs=5, fragment=("--share", "1"),
        details=("on_1m", "on_2m", "get_ms", "worst_ns", "p50_ns")),
    contiguous("contiguous", "as demoted", "descending"),
    contiguous("contiguous-churned", "after 20 processes", "random"),
    Question(
        "contiguous-half", "1 GiB from malloc, the 2 GiB reserved --contiguous, after 20 processes",
        ("contiguous", "malloc", "1024"), ("contig", "contig whole", "hugetlb by hand"),
        tuple(Bar("at most", side, (), None, "entries", statistic="high")
              for side in ("contig", "contig whole")),
        "entries", metric="entries", pool_mib=2048, contiguous=True, runs=3,
        churn=("random", 2048, (2,)), details=("extents", "free_runs", "entry_kib", "ms")),
    used("used", "as this machine has it", False),
    used("used-holes", "gigabytes side by side, a third of it held by others", True),
    place("place-scrambled", "were given back at random", "random"),
    place("place-ascending", "ascend", "ascending"),
    # With a pool that covers two copies beside the original `fork = auto` leaves them to the
    # kernel.
    Question(
        "fork-exec", "fork, exec of /bin/true and its end; 2 GiB of large allocations alive",
        ("forkexec", "12", "2048"), ("contig", "contig snapshot", "glibc"),
        tuple(Bar("speed", side, ("glibc",), bound, f"speed of {way} with plain glibc",
                  f"{way}_ns")
              for side, bound in (("contig", 0.833), ("contig snapshot", 0.2))
              for way in ("fork", "spawn", "vfork")),
        "ms", MS, metric="fork_ns", pool_mib=6272,
        details=("spawn_ns", "vfork_ns", "hugetlb_mib", "rss_mib")),
    updates("updates", 2048),
    updates("updates-4g", 4096, long_only=True),
    Question(
        "updates-no-pool", "random 8-byte updates over 2048 MiB, no pool",
        ("updates", "malloc", "2048"),
        ("contig no pool", "THP by hand", "glibc", "glibc hugetlb=1"),
        (Bar("speed", "contig no pool", ("THP by hand",), 0.97, "speed of MADV_HUGEPAGE"),
         Bar("speed", "contig no pool", ("THP by hand",), None, "speed of MADV_HUGEPAGE",
             statistic="low"),
         Bar("speed", "contig no pool", ("glibc",), None, "speed of glibc")),
        "ns an update", more_runs=2, details=("touch_ms",) + PAGES),
    compression("xz", ("xz", "-9")),
    compression("zstd", ("zstd", "-19", "--long=27", "--single-thread")),
    Question(
        "exec", "start of /bin/true and its end", ("spawn", "300"),
        ("contig small", "glibc", "jemalloc"),
        (Bar("excess", "contig small", ("glibc",), 0.5, "ms more than without a library"),),
        "ms", MS, way="spawn", warm_runs=0),
    Question(
        "footprint", "memory of a program with a thousand small objects", ("footprint",),
        ("contig small",) + PLAIN,
        (Bar("excess", "contig small", ("jemalloc",), 1024, "KiB more than jemalloc"),),
        "KiB", metric="kib", warm_runs=0, details=("anon_kib",)),
)

# Sides that are no allocator but the same program, with memory from mmap by its own hand.
BY_HAND = {"hugetlb by hand": "hugetlb", "THP by hand": "thp", "THP and mTHP by hand": "thp"}
