import { DurableObject } from "cloudflare:workers";

export class Sandbox extends DurableObject {
  async fetch(request) {
    if (!this.ctx.container.running) this.ctx.container.start({ image: "tools" });
    return this.ctx.container.getTcpPort(8080).fetch(request);
  }
}

export default {
  fetch(request, env) {
    return env.SANDBOX.get(env.SANDBOX.idFromName("one")).fetch(request);
  },
};
