"""The manifest that the end-to-end tests begin with, and ways to vary it."""

from __future__ import annotations

WORKER = """
export class Api {}
export class Jobs {}
export default { fetch() { return new Response("ok") } }
"""

SHOP = """\
version: 1
project: shop

images:
  api: {archive: image}

secrets:
  db: {from: {env: DB_PASSWORD}}

workers:
  edge:
    main: worker.js
    compatibility_date: "2026-10-01"
    vars: {LOG_LEVEL: info}
    secrets: {DATABASE_URL: "postgres://app:${secrets.db}@db.example/app"}
    bindings: {API: "${applications.api}"}

applications:
  api:
    image: ${images.api}
    class_name: Api
    instance_type: basic
    max_instances: 4
    environment_variables: {LOG_LEVEL: info}

outputs:
  image: ${images.api.ref}
  worker: ${workers.edge.name}
  application: ${applications.api.id}
"""
