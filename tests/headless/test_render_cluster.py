"""What `--cluster` means: the job script for Slurm, and what is refused."""

from __future__ import annotations

import pytest
from simspine.headless.render_cluster import parse_spec, slurm_cluster
from simspine.simspine_addon.model.errors import InputError


def test_slurm_arguments_reach_the_job_script(tmp_path):
    pytest.importorskip("dask_jobqueue")
    path = tmp_path / "slurm.toml"
    path.write_text('queue = "gpu"\ncores = 8\nmemory = "16GB"\nwalltime = "02:00:00"\njobs = 30\n')
    kind, arguments = parse_spec(f"slurm:{path}")
    assert (kind, arguments["jobs"]) == ("slurm", 30)
    with slurm_cluster(arguments) as cluster:
        script = cluster.job_script()
    for line in ("#SBATCH -p gpu", "#SBATCH --cpus-per-task=8", "#SBATCH -t 02:00:00", "--resources simspine=1"):
        assert line in script


@pytest.mark.parametrize("spec", ["local:0", "local:", "slurm:", "ssh://host", "tcp://host", "slurm:nowhere.toml"])
def test_what_is_no_cluster_is_refused(spec):
    with pytest.raises(InputError):
        parse_spec(spec)
