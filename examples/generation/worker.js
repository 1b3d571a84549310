import { DurableObject } from "cloudflare:workers";

export class Jobs extends DurableObject {
  async fetch(request) {
    if (!this.ctx.container.running) this.ctx.container.start();
    return this.ctx.container.getTcpPort(8080).fetch(request);
  }
}

// Each generation gets objects of its own, so that what the old one began is finished by the old one.
export default {
  fetch(request, env) {
    return env.JOBS.get(env.JOBS.idFromName(`generation-${env.APP_GENERATION}`)).fetch(request);
  },
};
