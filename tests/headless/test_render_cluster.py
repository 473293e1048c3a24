"""What `--cluster` means: the job script for Slurm, and what is refused."""

from __future__ import annotations

import signal

import pytest
from simspine.headless.render_cluster import parse_spec
from simspine.headless.render_command import main
from simspine.headless.slurm_jobs import slurm_cluster
from simspine.sample_rigs import sample_model_path, sample_motion_path
from simspine.simspine_addon.model.errors import InputError


def slurm_file(folder, *lines):
    path = folder / "slurm.toml"
    path.write_text("\n".join(('queue = "gpu"', *lines)) + "\n")
    return path


def test_slurm_arguments_reach_the_job_script(tmp_path):
    pytest.importorskip("dask_jobqueue")
    path = slurm_file(tmp_path, "cores = 8", 'memory = "16GB"', 'walltime = "02:00:00"', "jobs = 30")
    kind, file = parse_spec(f"slurm:{path}")
    assert (kind, file.jobs, file.threads) == ("slurm", 30, 8)
    with slurm_cluster(file) as cluster:
        script = cluster.job_script()
    for line in ("#SBATCH -p gpu", "#SBATCH --cpus-per-task=8", "#SBATCH -t 02:00:00", "--resources simspine=1"):
        assert line in script


@pytest.mark.parametrize("spec", ["local:0", "local:", "slurm:", "ssh://host", "tcp://host", "slurm:nowhere.toml"])
def test_what_is_no_cluster_is_refused(spec):
    with pytest.raises(InputError):
        parse_spec(spec)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("coers = 8", "did you mean 'cores'"),
        ("jobs = 0", "'jobs' is 0"),
        ('cores = "all"', "'cores' is 'all'"),
        ("wait_minutes = 0", "'wait_minutes' is 0"),
    ],
)
def test_a_mistake_in_the_file_is_refused_with_its_line(tmp_path, line, said):
    pytest.importorskip("dask_jobqueue")
    path = slurm_file(tmp_path, line)
    with pytest.raises(InputError, match=said) as refused:
        parse_spec(f"slurm:{path}")
    assert (refused.value.path, refused.value.line) == (path, 2)


def test_what_slurmcluster_cannot_use_is_refused_with_its_line(tmp_path):
    pytest.importorskip("dask_jobqueue")
    path = slurm_file(tmp_path, "cores = 1", 'memory = "much"')
    file = parse_spec(f"slurm:{path}")[1]
    with pytest.raises(InputError, match="'much'") as refused:
        slurm_cluster(file)
    assert refused.value.line == 3


def test_reading_a_slurm_file_leaves_ctrl_c_as_it_was(tmp_path):
    pytest.importorskip("dask_jobqueue")
    before = signal.getsignal(signal.SIGINT)
    parse_spec(f"slurm:{slurm_file(tmp_path, 'cores = 1')}")
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize("given", [["resume", "there"], ["model.osim", "motion.mot", "-o", "there"]])
def test_a_part_of_a_clusters_work_is_refused_rather_than_ignored(given, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, maker in (("model.osim", sample_model_path), ("motion.mot", lambda: sample_motion_path("walking"))):
        (tmp_path / name).symlink_to(maker())
    assert main([*given, "--cluster", "local:2", "--shard", "1/2"]) == 2
    assert capsys.readouterr().err == (
        "simspine: --shard and --cluster cannot be given together; a cluster shares out its shards itself;"
        " --shard is for machines that know nothing of one another\n"
    )
    assert not (tmp_path / "there").exists()
