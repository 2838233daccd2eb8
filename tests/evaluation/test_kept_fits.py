"""What a kept fit is known by."""

from types import SimpleNamespace

from cope_demo.evaluation import kept_fits
from cope_demo.evaluation.kept_fits import PARTS, get_kept_fit
from cope_demo.fit import pipeline
from cope_demo.texts.tasks import Sample
from tests.fit.test_pipeline import FAST


def test_fits_of_one_arithmetic_do_not_serve_another(tmp_path, monkeypatch):
    monkeypatch.setenv("COPE_CACHE", str(tmp_path))
    made, returned = [], []
    monkeypatch.setattr(kept_fits, "return_memory", lambda: returned.append(len(made)))

    def make(stage, folder, *rest, **more):
        made.append((stage, folder))
        for name in PARTS[0].makes:
            (folder / name).mkdir(exist_ok=True)

    monkeypatch.setattr(pipeline, "run_stage", make)
    samples = [Sample(f"Write about {n}.", f"Text {n} is about geese.") for n in range(6)]
    for compute in ("float32", "bfloat16", "bfloat16", "float32"):
        base = SimpleNamespace(identity="a model", compute=compute)
        get_kept_fit(samples, "free_writing", FAST, base, None, None, preferences=False)
    assert returned == [2, 4]  # or a process that makes many fits keeps what each of them took
    assert [stage for stage, _ in made] == ["history", "oppu"] * 2 and len({folder for _, folder in made}) == 2
