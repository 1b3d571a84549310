"""What must not go wrong, by number, and the bar that each trial is measured against."""

from __future__ import annotations

BARS: dict[int, tuple[str, str]] = {
    1: (
        "killed between a create and its record",
        "SIGKILL at every request and write, 1,000 times at random: then one run and 0 orphans, 0 duplicates, 0 human steps",
    ),
    2: (
        "state torn or emptied",
        "10,000 kills at random: 0 unreadable, 0 empty; lost is never “nothing exists”",
    ),
    3: (
        "costly writes of the state",
        "≤ 4 KiB × operations + 3 × state size; 1,000 operations on an instant API ≤ 3 s",
    ),
    4: ("lock left by a killed job", "lease ≤ 60 s, free after lease + 5 s; no exit path leaves a lock"),
    5: (
        "two applies at once",
        "50 processes, 200 rounds at each backend: never two writers; one paused past its lease writes nothing",
    ),
    6: (
        "the world moves between plan and apply",
        "manifest, state, a resource in the plan: refused by name; one outside: goes on; another format: refused",
    ),
    7: (
        "an answer lost after the work",
        "POST, PATCH, DELETE: exactly one object, its id known, ≤ 2 extra reads",
    ),
    8: ("a create repeated", "POST never repeated blindly: 10,000 creates with faults, 0 duplicates"),
    9: ("lists and reads that are stale for 30 s", "apply succeeds; 0 false re-creates in the next plan"),
    10: (
        "secrets in what is written or said",
        "50 planted secrets, every command, every failure: 0 hits; files 0600",
    ),
    11: (
        "the service stores something else than it was sent",
        "10,000 manifests × normalisations: the plan after an apply is empty; what was stored is said",
    ),
    12: (
        "an apply fails in part",
        "5,000 sets of failures: all that is independent is done; the next plan is the rest",
    ),
    13: (
        "rate limit",
        "5,000 resources on 1,200 requests in 5 minutes: 0 × 429, within 1.1 × the least time; `Retry-After` is kept to",
    ),
    14: ("reading a large state", "10,000 applications: ≤ 20 requests where paged by 500, 1 where unpaged"),
    15: (
        "interrupted",
        "SIGINT and SIGTERM at 60 boundaries: ≤ 5 s + the longest request; a second one ≤ 1 s; exit 130; as row 1 after it",
    ),
    16: (
        "loops",
        "the shortest loop in order, each edge with its line; every independent one; 10,000 nodes ≤ 1 s",
    ),
    17: ("deep graphs", "a chain of 10,000: planned in ≤ 3 s"),
    18: ("protection lost with its block", "refused until lifted by an apply of its own, or allowed by name"),
    19: (
        "mass destruction by an empty manifest",
        "empty, key missing, wrong environment or account: refused",
    ),
    20: ("wrong account or environment", "refused before the first write, also with swapped tokens"),
    21: ("state of another version", "newer: refused; every older one: read"),
    22: (
        "state that contradicts itself",
        "10,000 random sequences of operations: 0 violations, at each write and read",
    ),
    23: (
        "disk full, read-only, broken",
        "at each write: nothing done, or nothing lost; 0 orphans after one more run",
    ),
    24: ("an old state put back", "refused and named, where there is a high-water mark outside the state"),
    25: ("a comment too long to post", "fits for any plan; failing to post is a failing exit"),
    26: ("traps of YAML", "duplicate keys refused with both lines; ≤ 1 s and 200 MB for ≤ 1 MB of any input"),
    27: ("clocks that are wrong", "± 1 h changes nothing"),
    28: (
        "a rollout stuck or taken back",
        "each end has its message; the wait has a deadline; `resume` in the next plan",
    ),
    29: (
        "configured without a rollout",
        "the next run starts the rollout, by the journal or with the state lost",
    ),
    30: ("an input's tag moved by a build at the same time", "never overwritten; no rollout"),
    31: ("an upload that switches a container off", "never; refused or named"),
}
