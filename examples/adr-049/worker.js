import { DurableObject } from "cloudflare:workers";

export class App extends DurableObject {
  async fetch(request) {
    if (!this.ctx.container.running) this.ctx.container.start();
    return this.ctx.container.getTcpPort(8080).fetch(request);
  }
}

// Each generation gets objects of its own, so that what the old one began is finished by the old one.
export default {
  fetch(request, env) {
    return env.API.get(env.API.idFromName(`generation-${env.APP_GENERATION}`)).fetch(request);
  },
};
