import { DurableObject } from "cloudflare:workers";

export class Api extends DurableObject {
  async fetch(request) {
    if (!this.ctx.container.running) this.ctx.container.start();
    return this.ctx.container.getTcpPort(8080).fetch(request);
  }
}

export default {
  fetch(request, env) {
    return env.API.get(env.API.idFromName("one")).fetch(request);
  },
};
