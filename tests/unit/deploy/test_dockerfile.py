"""What the Dockerfile promises, read from it. tests/integration/deploy/test_image.py carries its steps out."""

from __future__ import annotations

import re
import tomllib

import pytest

from streams.cli.main import COMMANDS
from streams.config import Config
from tests.support.servers import PROJECT
from tests.unit.deploy.dockerfile import DOCKERFILE, Stage, allowed, instructions, stages

BUILD, IMAGE = stages()
RUNS = [step.value for step in BUILD.all("RUN")]


def test_both_stages_stand_on_one_base_that_is_pinned_by_its_digest() -> None:
    assert re.fullmatch(r"python:3\.1[1-4]\.\d+-slim-\w+@sha256:[0-9a-f]{64}", IMAGE.base)
    assert BUILD.base == IMAGE.base


def test_the_base_is_a_python_that_the_project_supports_and_the_lock_was_made_for() -> None:
    found = re.match(r"python:(3\.\d+)", IMAGE.base)
    assert found is not None
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert f"Programming Language :: Python :: {found[1]}" in project["classifiers"]


def test_every_library_comes_from_the_lock_with_its_hash_checked_and_nothing_else_is_installed() -> None:
    installs = [run for run in RUNS if "pip install" in run or "pip wheel" in run]
    assert len(installs) == 2
    libraries, ours = installs
    assert "--require-hashes -r requirements.lock" in libraries
    # No index: a dependency that the lock forgot fails the build and is not fetched unpinned.
    assert ours.count("--no-deps --no-index") == ours.count("pip ") == 2
    assert "--no-build-isolation" in ours


def test_the_kernels_are_compiled_in_the_image_where_the_runtime_user_finds_and_owns_them() -> None:
    assert any(run.endswith("python -m models.simulation.warm_up") for run in RUNS)
    folder = IMAGE.environment()["NUMBA_CACHE_DIR"]
    assert BUILD.environment()["NUMBA_CACHE_DIR"] == folder
    copies = [step for step in IMAGE.all("COPY") if step.words()[-1] == folder]
    assert [step.flags["chown"] for step in copies] == [IMAGE.one("USER").value]


def test_what_is_run_after_the_installation_sees_the_installed_package_and_not_the_sources() -> None:
    steps = list(BUILD.steps)
    places = [index for index, step in enumerate(steps) if step.name == "WORKDIR"]
    assert [steps[place].value for place in places] == ["/src", "/"]
    for index, step in enumerate(steps):
        if step.name == "RUN" and re.search(r"streams\.|models\.", step.value):
            assert index > places[1], step.value


def test_build_tools_do_not_reach_the_image() -> None:
    assert "pip uninstall" in RUNS[-1]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    backend = {re.split(r"[>=<~ ]", each)[0] for each in project["optional-dependencies"]["build"]}
    assert {*backend, "pip"} <= set(RUNS[-1].split())


def test_the_image_runs_as_a_numbered_user_that_is_not_root() -> None:
    user, _, group = IMAGE.one("USER").value.partition(":")
    assert user.isdigit()
    assert group.isdigit()
    assert int(user) >= 10_000, "a low number may be somebody's on the host"
    (created,) = (run.value for run in IMAGE.all("RUN"))
    assert f"--gid {group}" in created
    assert f"--uid {user}" in created
    after = list(IMAGE.steps)[[step.name for step in IMAGE.steps].index("USER") + 1 :]
    assert {"RUN", "COPY", "ADD"}.isdisjoint(step.name for step in after)


def test_nothing_but_the_kernels_belongs_to_that_user() -> None:
    owned = [step.words()[-1] for step in IMAGE.all("COPY") if "chown" in step.flags]
    assert owned == [IMAGE.environment()["NUMBA_CACHE_DIR"]]


def test_signals_reach_the_worker_and_its_exit_code_is_the_containers() -> None:
    # A shell form would put a shell between: it keeps SIGTERM to itself and exits with its own code.
    assert IMAGE.one("ENTRYPOINT").exec_form() == ["retention-entrypoint"]
    command = IMAGE.one("CMD").exec_form()
    assert command[0] in COMMANDS
    assert IMAGE.one("STOPSIGNAL").value == "SIGTERM"
    script = (PROJECT / "deploy" / "entrypoint.sh").read_text().splitlines()
    assert script[0] == "#!/bin/sh"
    assert script[-1] == 'exec retention "$@"'


def test_the_health_check_asks_for_health_where_the_worker_listens_with_the_images_own_python() -> None:
    check = IMAGE.one("HEALTHCHECK")
    command = check.exec_form()
    assert command[0] == "python"
    assert "/health" in command[-1]
    assert "RETENTION_METRICS_PORT" in command[-1]
    compile(command[-1], "HEALTHCHECK", "exec")
    environment = IMAGE.environment()
    assert environment["RETENTION_METRICS_HOST"] == "0.0.0.0"
    assert environment["RETENTION_METRICS_PORT"] == IMAGE.one("EXPOSE").value
    assert {"interval", "timeout", "start-period", "retries"} <= set(check.flags)


def test_every_retention_variable_of_the_image_is_a_setting() -> None:
    told = {name for name in IMAGE.environment() if name.startswith("RETENTION_")} - {"RETENTION_CACHE"}
    assert {name.removeprefix("RETENTION_").lower() for name in told} <= set(Config.model_fields)


def test_labels_name_the_version_and_the_licence_of_the_project() -> None:
    labels = {name: value for step in IMAGE.all("LABEL") for name, value in step.pairs().items()}
    assert all(name.startswith("org.opencontainers.image.") for name in labels)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert labels["org.opencontainers.image.licenses"] == project["license"]
    arguments = {name: value for step in IMAGE.all("ARG") for name, value in step.pairs().items()}
    assert labels["org.opencontainers.image.version"] == "${VERSION}"
    assert arguments["VERSION"] == project["version"]


def _from_the_context(stage: Stage) -> list[str]:
    return [source for step in stage.all("COPY") if "from" not in step.flags for source in step.words()[:-1]]


def test_the_context_holds_what_is_copied_and_nothing_else() -> None:
    copied = {*_from_the_context(BUILD), *_from_the_context(IMAGE)}
    assert copied == set(allowed())
    assert all((PROJECT / path).exists() for path in copied)


def test_what_is_copied_between_stages_keeps_its_path() -> None:
    # Scripts of a virtual environment and the kernels' cache name the path they were made at.
    between = [step.words() for step in IMAGE.all("COPY") if "from" in step.flags]
    assert between
    assert all(source == target for source, target in between)


@pytest.mark.parametrize("forbidden", ["ADD", "MAINTAINER", "VOLUME", "ONBUILD"])
def test_no_instruction_does_more_than_it_says(forbidden: str) -> None:
    names = {step.name for step in instructions(DOCKERFILE.read_text())}
    assert forbidden not in names
    made = {"FROM", "ARG", "ENV", "RUN", "WORKDIR", "COPY"}
    assert names == made | {"LABEL", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
