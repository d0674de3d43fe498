"""What belongs together stays together, whatever comes to be known first."""

from itertools import permutations

from asyncshift.groups import Groups
from asyncshift.model import Refusal

WHY = Refusal("m.py", (1, 0, 1, 1), "escapes", "it is handed on", "")


def test_a_group_that_was_refused_stays_so_when_it_joins_others() -> None:
    for low, middle, high in permutations(("m.py:1:0", "m.py:2:0", "m.py:3:0")):
        groups = Groups()
        groups.join((middle, high))
        groups.refuse(high, WHY)
        groups.join((low, middle))
        assert groups.refused == {groups.find(low): WHY}
        assert not groups.refuse(low, WHY)


def test_the_first_reason_is_kept_and_others_stay_free() -> None:
    groups = Groups()
    other = Refusal("m.py", (9, 0, 9, 1), "no-twin", "it has no async form", "")
    groups.refuse("m.py:1:0", WHY)
    groups.refuse("m.py:2:0", other)
    groups.join(("m.py:2:0", "m.py:1:0"))
    assert groups.refused == {"m.py:1:0": WHY}
    groups.join(("m.py:3:0", "m.py:4:0"))
    assert groups.find("m.py:4:0") not in groups.refused
