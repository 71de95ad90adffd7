"""Proof that the laboratory can fail: each known bug, planted in the programs, is caught by the
test named here, which passes without it. The programs are built a second time for that (with
WINDROW_FAULT_INJECTION); WINDROW_FAILPOINT chooses the bug.

    planted.py                      all of them
    planted.py dead_letters_last    one
"""

import os
import subprocess
import sys
import time

import lab

_HERE = os.path.dirname(os.path.abspath(__file__))

#: bug: the script that catches it. Storage's own are caught by planted_bugs_test.
CAUGHT_BY = {
    "acknowledged_early": "every_call.py --scenario push --action killed --sample 12",
    "not_synced": "power_cut.py --scenario push --states 40",
    "positions_first": "every_call.py --scenario ingest --action kill --sample 40",
    "dead_letters_last": "every_call.py --scenario letters --action kill --sample 40",
    "trimmed_too_far": "every_call.py --scenario push --action kill --sample 20",
    "checksum_skipped": "damage.py --flips 300 DamageTest.test_flipped_bits",
    "replay_by_the_clock": "clock.py --sample 12",
    "producer_ignored": "every_call.py --scenario push --action kill --sample 4",
    "replay_not_skipped": "every_call.py --scenario ingest --action kill --sample 90",
}


#: Without a bug the planted programs are like the others.
_SOUND = ["every_call.py --action kill --sample 2", "random_damage.py --folders 13",
          "power_cut.py --states 10", "clock.py --sample 1"]


def run(test, bug):
    """Whether a test finds differences, and what it says."""
    command = [sys.executable, "-B", *test.split()]
    command[2] = os.path.join(_HERE, command[2])
    done = subprocess.run(command, env={**os.environ, "WINDROW_FAILPOINT": bug}, timeout=300,
                          capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    return done.returncode == 1 and ("DIFFERENT" in said or "FAILED (failures" in said), said


def main():
    lab.require()
    missed = []
    for test in _SOUND:
        different, said = run(test, "none")
        if different or " 0 different" not in said:
            print(f"without a bug, {test} fails:\n{said[-2000:]}")
            return 1
    for bug in sys.argv[1:] or CAUGHT_BY:
        begun = time.monotonic()
        caught, said = run(CAUGHT_BY[bug], bug)
        print(f"{bug}: {'caught' if caught else 'MISSED'} by {CAUGHT_BY[bug]} "
              f"in {time.monotonic() - begun:.1f} s", flush=True)
        if not caught:
            missed.append(bug)
            print(said[-2000:])
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
