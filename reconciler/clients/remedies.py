"""What to do about a refusal that the service words by a constant (reference 1.6); a kind may know better."""

from __future__ import annotations

REMEDIES = {
    "VALIDATE_INPUT": "correct the field that is named",
    "SURPASSED_BASE_LIMITS": "choose a smaller `instance_type`",
    "SURPASSED_TOTAL_LIMITS": (
        "choose a smaller `instance_type`, lower `max_instances`, or remove what the account no longer needs"
    ),
    "LOCATION_NOT_ALLOWED": "name one of the account's locations: `reconciler account` lists them",
    "LOCATION_SURPASSED_BASE_LIMITS": "choose a smaller `instance_type`, or another `location`",
    "IMAGE_REGISTRY_NOT_CONFIGURED": "name the image's host under `registries`, or copy the image with `push: true`",
    "IMAGE_REGISTRY_RETURNED_ERROR": "check `image`, and the credentials of its host under `registries`",
    "IMAGE_REGISTRY_DOESNT_CONTAIN_IMAGE": "check `image`, or push it: `reconciler images list` shows what is there",
    "JOB_CREATE_NOT_ALLOWED": "its application was made without `jobs: true`, which only a new one can have",
    "DURABLE_OBJECT_NOT_FOUND": "its worker was deleted or lost the class meanwhile: plan again",
    "DURABLE_OBJECT_NOT_CONTAINER_ENABLED": (
        "the worker's last upload did not switch its class on for containers: plan again, which uploads it"
    ),
    "DURABLE_OBJECT_ALREADY_HAS_APPLICATION": "take that application over, or delete it first",
    "DEPLOYMENT_NOT_FOUND": "somebody deleted it meanwhile: plan again, which makes it anew",
    "SECRET_NAME_NOT_FOUND": "somebody deleted the secret meanwhile: plan again, which makes it anew",
    "SECRET_NAME_ALREADY_EXISTS": "take the secret over with `adopt: true`, or choose another `name`",
    "SSH_PUBLIC_KEY_NOT_FOUND": "it is gone already: plan again",
    "IMAGE_REGISTRY_NOT_FOUND": "it is gone already: plan again",
    "IMAGE_REGISTRY_ALREADY_EXISTS": "take the registry over with `adopt: true`, or delete it first",
    "IMAGE_REGISTRY_NOT_ALLOWED": "declare that domain under `registries`",
    "IMAGE_REGISTRY_IS_PUBLIC": "it needs no credentials: leave the login out",
    "IMAGE_REGISTRY_PROTOCOL_NOT_FOUND": "it is gone: plan again",
    "IMAGE_REGISTRY_PROTOCOL_ALREADY_EXISTS": "take it over with `adopt: true`, or choose another key",
    "IMAGE_REGISTRY_PROTO_IS_REFERENCED": "give what is named by it another `image` first, then run again",
    "INVALID_INSTANCE_ID": "`reconciler instances APP` lists the ids",
}
"""The constants that the reference documents, each with a way on."""
