// The Worker in front of the container, and the Durable Object class that starts it.
import { DurableObject } from "cloudflare:workers";

const PORT = 8080;
const ATTEMPTS = 50;

export class Hello extends DurableObject {
  async fetch(request) {
    const container = this.ctx.container;
    if (!container.running) container.start();
    const url = request.url.replace(/^https:/, "http:");
    for (let attempt = 1; ; attempt++) {
      try {
        return await container.getTcpPort(PORT).fetch(url, request.clone());
      } catch (error) {
        if (attempt === ATTEMPTS) throw error; // it has had ten seconds to open its port
        await scheduler.wait(200);
      }
    }
  }
}

export default {
  async fetch(request, env) {
    if (request.headers.get("Authorization") !== `Bearer ${env.TOKEN}`) {
      return new Response("Say who you are: Authorization: Bearer <token>\n", { status: 401 });
    }
    return env.HELLO.get(env.HELLO.idFromName("one")).fetch(request);
  },
};
