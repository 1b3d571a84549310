export { Catalog, Orders, Search_eu, Search_us } from "./classes/service.js";

export default {
  fetch(request, env) {
    const place = request.cf?.continent === "EU" ? env.SEARCH_EU : env.SEARCH_US;
    const services = { catalog: env.CATALOG, orders: env.ORDERS, search: place };
    const service = services[new URL(request.url).pathname.split("/")[1]];
    if (!service) return new Response("There are /catalog, /orders and /search.\n", { status: 404 });
    return service.get(service.idFromName("one")).fetch(request);
  },
};
