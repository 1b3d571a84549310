"""Every operation of the generated client and of the public description has something that answers it (reference 2)."""

from __future__ import annotations

import re

import pytest

from tests.emulator.cloud import Cloud

OPERATIONS = [
    ("GET", "/applications"),
    ("POST", "/applications"),
    ("DELETE", "/applications/{application_id}"),
    ("GET", "/applications/{application_id}"),
    ("PATCH", "/applications/{application_id}"),
    ("GET", "/applications/{application_id}/deployments"),
    ("GET", "/applications/{application_id}/deployments/{deployment_id}"),
    ("POST", "/applications/{application_id}/deployments/{deployment_id}/recreate"),
    ("GET", "/applications/{application_id}/instances"),
    ("GET", "/applications/{application_id}/instances-v2"),
    ("GET", "/applications/{application_id}/instances/{instance_id}"),
    ("POST", "/applications/{application_id}/jobs"),
    ("DELETE", "/applications/{application_id}/jobs/{job_id}"),
    ("GET", "/applications/{application_id}/jobs/{job_id}"),
    ("PATCH", "/applications/{application_id}/jobs/{job_id}"),
    ("GET", "/applications/{application_id}/rollouts"),
    ("POST", "/applications/{application_id}/rollouts"),
    ("DELETE", "/applications/{application_id}/rollouts/{rollout_id}"),
    ("GET", "/applications/{application_id}/rollouts/{rollout_id}"),
    ("POST", "/applications/{application_id}/rollouts/{rollout_id}"),
    ("GET", "/applications/{application_id}/status"),
    ("GET", "/applications/{application_id}/versions"),
    ("GET", "/dash/applications"),
    ("GET", "/dash/applications/{application_id}/instances"),
    ("GET", "/deployments/v2"),
    ("POST", "/deployments/v2"),
    ("GET", "/deployments/{deployment_id}/placements"),
    ("POST", "/deployments/{deployment_id}/recreate"),
    ("DELETE", "/deployments/{deployment_id}/v2"),
    ("GET", "/deployments/{deployment_id}/v2"),
    ("PATCH", "/deployments/{deployment_id}/v2"),
    ("POST", "/image-preparations"),
    ("GET", "/instances/{instance_id}/ssh"),
    ("GET", "/ips"),
    ("GET", "/me"),
    ("PATCH", "/me"),
    ("GET", "/placements/{placement_id}"),
    ("POST", "/placements/{placement_id}"),
    ("GET", "/registries"),
    ("POST", "/registries"),
    ("GET", "/registries/protos"),
    ("POST", "/registries/protos"),
    ("PUT", "/registries/protos"),
    ("DELETE", "/registries/protos/{proto}"),
    ("DELETE", "/registries/{domain}"),
    ("POST", "/registries/{domain}/credentials"),
    ("GET", "/secrets"),
    ("POST", "/secrets"),
    ("DELETE", "/secrets/{secretName}"),
    ("GET", "/secrets/{secretName}"),
    ("PATCH", "/secrets/{secretName}"),
    ("GET", "/ssh-public-keys"),
    ("POST", "/ssh-public-keys"),
    ("DELETE", "/ssh-public-keys/{sshPublicKeyName}"),
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_there_is_an_answer(cloud: Cloud, method: str, path: str) -> None:
    reply = cloud.ask(method, re.sub(r"{\w+}", "11111111-1111-4111-8111-111111111111", path.strip("/")), {})
    codes = [error["code"] for error in reply.json.get("errors", [])]
    assert reply.status != 405
    assert reply.status < 500
    assert 7003 not in codes
