"""Whose session goes when there are too many."""

from cope_demo.ui.web.sessions import FILES_OF_ADDRESS, SESSIONS, SESSIONS_OF_ADDRESS, Sessions


def nothing(session: str) -> bool:
    return False


def test_an_address_loses_its_own_oldest():
    sessions = Sessions()
    assert sessions.use("mine", "1", nothing) == []
    gone = [one for n in range(2 * SESSIONS) for one in sessions.use(f"s{n}", "2", nothing)]
    assert gone == [f"s{n}" for n in range(2 * SESSIONS - SESSIONS_OF_ADDRESS)]


def test_those_with_a_file_stay_longer():
    sessions = Sessions()
    sessions.use("first", "2", nothing)
    gone = [one for n in range(300) for one in sessions.use(f"s{n}", "2", lambda session: session == "first")]
    assert "first" not in gone and len(gone) == 301 - SESSIONS_OF_ADDRESS


def test_files_of_one_address_have_a_bound():
    sessions = Sessions()
    gone = [one for n in range(FILES_OF_ADDRESS + 3) for one in sessions.use(f"s{n}", "2", lambda session: True)]
    assert gone == ["s0", "s1", "s2"]


def test_the_largest_address_pays_for_the_total():
    sessions = Sessions()
    sessions.use("mine", "small", nothing)
    each = SESSIONS_OF_ADDRESS - 1
    order = [f"{n} {address}" for n in range(each) for address in range(SESSIONS // each + 1)]
    gone = [one for session in order for one in sessions.use(session, session.split()[1], nothing)]
    assert len(gone) == len(order) + 1 - SESSIONS and "mine" not in gone
