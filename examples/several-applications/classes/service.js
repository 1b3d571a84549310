import { DurableObject } from "cloudflare:workers";

class Service extends DurableObject {
  async fetch(request) {
    if (!this.ctx.container.running) this.ctx.container.start();
    return this.ctx.container.getTcpPort(8080).fetch(request);
  }
}

export class Catalog extends Service {}
export class Orders extends Service {}
export class Search_eu extends Service {}
export class Search_us extends Service {}
