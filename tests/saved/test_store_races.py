"""A user that is deleted while it is published, and read all the time: it is there whole, or not at all."""

import threading

from cope_demo.errors import CopeError
from cope_demo.saved.store import Store
from tests.scripted import publish


def test_deleting_while_publishing_leaves_no_half(tmp_path):
    users, samples = tmp_path / "users", tmp_path / "samples"
    publish(Store(users, samples), tmp_path / "scratch", "mine", "0")
    done, seen, wrong = threading.Event(), set(), []

    def repeat(action) -> None:
        store = Store(users, samples)  # as another process would have
        while not done.is_set():
            try:
                action(store)
            except CopeError as error:
                seen.add("none")
                if "There is no user 'mine'" not in str(error):
                    wrong.append(str(error))
            except Exception as error:
                wrong.append(repr(error))

    def read(store) -> None:
        seen.add(store.open("mine").name)

    actions = (read, read, lambda store: store.delete("mine"))
    threads = [threading.Thread(target=repeat, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for number in range(400):
        if number >= 20 and len(seen) > 1:  # it was met in both states
            break
        try:
            publish(Store(users, samples), tmp_path / "scratch", "mine", str(number))
        except CopeError as error:  # deleted before publish has looked at it again
            if "There is no user 'mine'" not in str(error):
                wrong.append(str(error))
    done.set()
    for thread in threads:
        thread.join(10)
    assert wrong == [] and "none" in seen and len(seen) > 1
    publish(Store(users, samples), tmp_path / "scratch", "mine", "last")
    store = Store(users, samples)
    assert store.open("mine").name == "last"
    store.delete("mine")
    assert [path.name for path in users.iterdir()] == [".lock"]
