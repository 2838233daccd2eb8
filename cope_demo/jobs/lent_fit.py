"""A fit's computing, one call where a GPU is lent (system/zero_gpu.py); everywhere else it runs where it is called."""

from cope_demo.fit.events import STAGES
from cope_demo.system import zero_gpu

from .job_folder import Cancelled, JobFolder
from .stage_process import keep_temporary_files
from .stage_runner import import_fit_module, retry_with_half, run_stage


def estimate_seconds(job_id: str) -> float:
    """Seconds of a lent GPU that the job's fit takes."""
    from cope_demo.fit.gpu_seconds import estimate_gpu_seconds
    from cope_demo.model.resident import count_kept_bytes

    request, config = JobFolder(job_id).request(), import_fit_module().read_fit_config()
    return estimate_gpu_seconds(request.samples, request.model, config, count_kept_bytes())


@zero_gpu.lend(estimate_seconds)
def compute_fit(job_id: str) -> dict:
    """Runs all stages of a job but "publish". Its progress is in the job's folder, and a cancel takes effect there.

    Returns {"state": "done", "failed" or "cancelled", "error": what went wrong as a sentence, or None}.
    """
    folder = JobFolder(job_id)
    if zero_gpu.is_worker():
        keep_temporary_files(folder)
    try:
        for stage in STAGES[:-1]:
            outcome = retry_with_half(folder, lambda stage=stage: run_stage(folder, stage))
            if outcome["state"] != "done":
                return outcome
    except Cancelled:
        return {"state": "cancelled", "error": None}
    return {"state": "done", "error": None}
