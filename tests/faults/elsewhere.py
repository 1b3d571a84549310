"""Trials that live beside what they try, and count here: `make faults` runs them too.

Run as a program it prints them, as arguments for pytest.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Tests that try a row; `outcome` is what they assert."""

    row: int
    what: str
    outcome: str
    tests: tuple[str, ...]


_ENDS = "tests/kinds/test_application_rollout_ends.py"
_ROLLOUT = "tests/kinds/test_application_rollout.py"
_FLOWS = "tests/kinds/test_application_flows.py"
_WORKER = "tests/kinds/test_worker_flows.py"
_MARKDOWN = "tests/render/test_markdown.py"
_COMMENT = "tests/cli/test_comment.py"
_SHARED = "tests/e2e/test_shared_builds.py"

ELSEWHERE = (
    Elsewhere(
        25,
        "any plan as a comment; one of ten thousand changes",
        "within the host's limit, what had no room is counted",
        (
            f"{_MARKDOWN}::test_any_plan_is_within_the_limit_and_at_nobody_elses_mercy",
            f"{_MARKDOWN}::test_ten_thousand_changes_too",
            f"{_MARKDOWN}::test_what_has_no_room_is_counted",
        ),
    ),
    Elsewhere(
        25,
        "a comment refused, a host that is not there, an answer lost",
        "a failing exit that says what to do; never posted twice",
        (
            f"{_COMMENT}::test_a_refusal_is_told_with_what_to_do",
            f"{_COMMENT}::test_a_host_that_is_not_there_is_an_error",
            f"{_COMMENT}::test_a_lost_answer_posts_nothing_twice",
        ),
    ),
    Elsewhere(
        27,
        "leases whose holder's clock is an hour off, tried at each remote backend",
        "decided by the server's time or a steady clock: nothing changes",
        (
            "tests/storage/remote/test_lease.py::test_a_wrong_clock_changes_nothing",
            "tests/clients/test_transport.py::test_the_time_is_the_servers",
            "tests/clients/test_transport.py::test_a_senseless_date_changes_no_clock",
        ),
    ),
    Elsewhere(
        28,
        "rollouts reverted or replaced by somebody, with failing instances, without progress",
        "each end told as what it is, and remembered; what runs on is gone on with by the next run",
        (
            f"{_ENDS}::test_reverted_by_somebody_else",
            f"{_ENDS}::test_replaced_by_somebody_else",
            f"{_ENDS}::test_out_of_time_is_no_failure",
            f"{_ENDS}::test_a_revert_is_waited_for_and_remembered_as_it_is",
            f"{_ENDS}::test_one_left_under_way_is_plain_data_that_the_next_run_goes_on_with",
            f"{_ROLLOUT}::test_time_counts_from_what_moved_last",
            f"{_FLOWS}::test_a_failing_rollout_is_reverted_with_its_configuration",
        ),
    ),
    Elsewhere(
        29,
        "the rollout refused after the configuration was changed; the same with the state lost",
        "the next run starts the rollout",
        (
            f"{_FLOWS}::test_a_rollout_that_failed_to_start_is_owed",
            f"{_FLOWS}::test_it_is_owed_even_if_nobody_remembers",
            f"{_FLOWS}::test_a_lost_answer_starts_one_rollout",
        ),
    ),
    Elsewhere(
        30,
        "two that build the same inputs at once",
        "both deploy what was pushed first; no rollout",
        (f"{_SHARED}::test_two_that_build_at_once_agree",),
    ),
    Elsewhere(
        31,
        "uploads with a target, and beside a retained application",
        "the classes of every live application stay containers",
        (
            f"{_WORKER}::test_an_upload_never_switches_off_an_application_that_was_retained",
            f"{_WORKER}::test_a_target_leaves_the_flags_of_all_applications",
            f"{_WORKER}::test_a_class_counts_as_a_container_for_as_long_as_something_runs_behind_it",
        ),
    ),
)


def trial_of(test: str) -> Elsewhere | None:
    """The trial that a test belongs to."""
    return next((one for one in ELSEWHERE if test in one.tests), None)


if __name__ == "__main__":
    print(*(test for one in ELSEWHERE for test in one.tests))  # noqa: T201
