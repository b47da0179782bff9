import { describe, expect, it } from "vitest";
import { DataSource } from "../../../src/guest/cloud-init/data-source.ts";
import type { CloudInitSource } from "../../../src/guest/cloud-init/facts.ts";
import { ServiceOnLoopback } from "./guest-harness.ts";

const ID = "9a1d7c52-0d7e-4c5e-8f37-0a4f5a1f9d11";

async function serve(source: CloudInitSource): Promise<ServiceOnLoopback> {
  const facts = { source, hostname: "h", instanceId: ID, mac: "aa:54:1a:30:5c:de", agentSha256: "5".repeat(64) };
  const service = { cloudInit: new DataSource(facts), agentFile: () => import.meta.filename };
  return await ServiceOnLoopback.start({ service });
}

async function isUntouched({ session }: ServiceOnLoopback): Promise<boolean> {
  const untouched = Symbol("untouched");
  return (await Promise.race([session.firstContact, Promise.resolve(untouched)])) === untouched;
}

describe("the metadata service of a machine with cloud-init", () => {
  it("has a session with it as EC2 has", async () => {
    await using service = await serve("ec2");
    const token = await fetch(`${service.url}/latest/api/token`, {
      method: "PUT",
      headers: { "X-aws-ec2-metadata-token-ttl-seconds": "21600" },
    });
    expect(token.headers.get("x-aws-ec2-metadata-token-ttl-seconds")).toBe("21600");
    const headers = { "X-aws-ec2-metadata-token": await token.text() };
    const id = await fetch(`${service.url}/2021-03-23/meta-data/instance-id`, { headers });
    expect([id.status, await id.text()]).toEqual([200, "i-9a1d7c520d7e4c5e8"]);
    const refused = await fetch(`${service.url}/latest/user-data`, { headers: { "X-aws-ec2-metadata-token": "no" } });
    expect(refused.status).toBe(401);
  });

  it("is not called home by it, nor by who fetches the agent, but by the agent", async () => {
    await using service = await serve("nocloud");
    const sent = await fetch(`${service.url}/cloud-init/user-data`);
    expect(await sent.text()).toContain("text/cloud-boothook");
    expect((await fetch(`${service.url}/engine/v1/agent/linux-x64`)).status).toBe(200);
    await expect(isUntouched(service)).resolves.toBe(true);
    await fetch(`${service.url}/engine/v1/execute`, { headers: { "User-Agent": "boxcar-agent/1" } });
    await expect(isUntouched(service)).resolves.toBe(false);
    expect(service.session.agentVersion).toBe("1");
  });

  it("answers the head of a document without it, and reads no body", async () => {
    await using service = await serve("openstack");
    const head = await fetch(`${service.url}/openstack/latest/user_data`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const body = "x".repeat(10_000_000);
    const posted = await fetch(`${service.url}/openstack/latest/user_data`, { method: "POST", body }).catch(
      () => "cut",
    );
    expect(posted === "cut" || (posted as Response).status === 405).toBe(true);
    expect((await fetch(`${service.url}/openstack`)).status).toBe(200);
  });

  it("is that of a machine without where there is none", async () => {
    await using service = await ServiceOnLoopback.start();
    for (const path of ["/cloud-init/user-data", "/latest/meta-data/", "/openstack"]) {
      expect((await fetch(`${service.url}${path}`)).status).toBe(404);
    }
  });
});
