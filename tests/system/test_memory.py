"""When memory runs out: half at a time once, then a sentence."""

import errno

import pytest
import torch

from cope_demo.errors import CopeError
from cope_demo.fit import pipeline
from cope_demo.fit.events import STAGES
from cope_demo.jobs.inline_jobs import InlineJobs
from cope_demo.jobs.job_folder import JobFolder
from cope_demo.jobs.stage_process import StageProcess
from cope_demo.jobs.stage_runner import HALF_NOW, retry_with_half
from cope_demo.saved.store import Store
from cope_demo.system import memory
from tests import tiny
from tests.fits import make_request, wait_for_end


def test_errors_of_want():
    with pytest.raises(RuntimeError) as torch_error:
        torch.empty(2**46)
    gpu = torch.OutOfMemoryError("CUDA out of memory.")
    wants = [torch_error.value, MemoryError(), OSError(errno.ENOMEM, "x"), gpu]
    assert all(map(memory.is_out_of_memory, wants))
    assert not any(
        map(memory.is_out_of_memory, [RuntimeError("shapes"), OSError(errno.ENOSPC, "x"), CopeError("memory")])
    )


def test_the_kernel_s_count(tmp_path, monkeypatch):
    files = tmp_path / "events", tmp_path / "vmstat", tmp_path / "absent"
    files[0].write_text("low 0\noom 1\noom_kill 2\noom_group_kill 0\n")
    files[1].write_text("pgfault 77\noom_kill 3\n")
    monkeypatch.setattr(memory, "COUNTERS", files)
    assert memory.count_kernel_kills() == 5


def test_half_at_a_time_once_then_a_sentence(jobs, stages):
    big, starving = jobs.submit(make_request("ada", "dpo:big")), jobs.submit(make_request("bob", "oppu:starve dpo:big"))
    status = wait_for_end(jobs, big)
    assert status.state == "done"
    assert [event["message"] for event in status.events if event["message"]] == [HALF_NOW]
    assert Store().open("ada").manifest["settings"]["oppu_batch"] == 2
    runs = stages.runs(big)
    assert [run["stage"] for run in runs] == ["history", "oppu", "negatives", "dpo", "dpo", "report"]
    assert len({run["pid"] for run in runs}) == 2, "the memory was given back in between"
    status = wait_for_end(jobs, starving)
    assert status.state == "failed" and status.error.startswith("Memory ran out, and again with half as many texts")
    assert [run["stage"] for run in stages.runs(starving)] == ["history", "oppu", "oppu"]


def test_in_this_process_too(stages):
    jobs = InlineJobs()
    assert wait_for_end(jobs, jobs.submit(make_request("ada", "oppu:big"))).state == "done"
    assert "Memory ran out" in wait_for_end(jobs, jobs.submit(make_request("bob", "oppu:starve"))).error
    jobs.close()


@pytest.mark.parametrize("counted,state", [(True, "memory"), (False, "failed")])
def test_a_child_that_the_kernel_ended(stages, monkeypatch, counted, state):
    folder = JobFolder.create(make_request("ada", "history:die"))
    counts = iter([7, 7 + counted] * 2)
    monkeypatch.setattr(memory, "count_kernel_kills", lambda: next(counts))
    with StageProcess(folder) as child:
        assert child.run("history", stop=lambda: False)["state"] == state
        outcome = retry_with_half(folder, lambda: {"state": state, "error": "The fit was ended by the system"})
    assert outcome["state"] == "failed" and outcome["error"].split()[0] in ("Memory", "The")


def test_a_real_fit_at_half(tmp_path):
    """The halves are settings like any others: the fit goes on where it was and says in its manifest what it used."""
    model = tiny.make(tmp_path / "model")
    pipeline.prepare(tmp_path, tiny.samples(), "free_writing", "ada", model=model)
    pipeline.run_stage(STAGES[0], tmp_path, lambda event: None)
    before = pipeline.read_fit_config()
    assert pipeline.halve(tmp_path) and not pipeline.halve(tmp_path)
    for stage in STAGES[1:-1]:
        pipeline.run_stage(stage, tmp_path, lambda event: None)
    used = pipeline.make_manifest(tmp_path)["settings"]
    for name in ("oppu_batch", "dpo_batch", "sample_rows", "score_tokens"):
        assert used[name] == getattr(before, name) // 2
