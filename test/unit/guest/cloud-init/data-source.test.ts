import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DataSource } from "../../../../src/guest/cloud-init/data-source.ts";
import type { CloudInitFacts, CloudInitSource } from "../../../../src/guest/cloud-init/facts.ts";

const ID = "9a1d7c52-0d7e-4c5e-8f37-0a4f5a1f9d11";
const EC2_ID = "i-9a1d7c520d7e4c5e8";
const MAC = "aa:54:1a:30:5c:de";

function factsFor(source: CloudInitSource): CloudInitFacts {
  return {
    source,
    hostname: "builder-1",
    instanceId: ID,
    mac: MAC,
    agentSha256: "5".repeat(64),
    userData: "#!/bin/sh",
  };
}

function open(source: CloudInitSource) {
  const dataSource = new DataSource(factsFor(source));
  return (path: string, headers: Record<string, string> = {}, method = "GET") =>
    dataSource.answer({ method, path, headers });
}

describe("NoCloud", () => {
  const get = open("nocloud");

  it("answers what cloud-init reads below its seed", () => {
    expect(JSON.parse(get("/cloud-init/meta-data")?.body ?? "")).toEqual({
      "instance-id": ID,
      "local-hostname": "builder-1",
    });
    expect(JSON.parse(get("/cloud-init/network-config")?.body ?? "")).toEqual({
      version: 2,
      ethernets: { id0: { match: { macaddress: MAC }, dhcp4: true } },
    });
    expect(get("/cloud-init/user-data")?.body).toContain("text/cloud-boothook");
    expect(get("/cloud-init/vendor-data")).toEqual({ status: 200, body: "" });
  });

  it("is the only source of its machine", () => {
    for (const path of ["/latest/meta-data/", "/openstack", "/latest/api/token", "/engine/v1/execute"]) {
      expect(get(path)).toBeUndefined();
    }
  });
});

describe("EC2", () => {
  const get = open("ec2");

  it.each(["2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest"])("has the version %s", (version) => {
    expect(get(`/${version}/meta-data/instance-id`)?.body).toBe(EC2_ID);
    expect(get(`/${version}/user-data`)?.body).toContain("MIME-Version");
    expect(JSON.parse(get(`/${version}/dynamic/instance-identity/document`)?.body ?? "")).toMatchObject({
      instanceId: EC2_ID,
      architecture: "x86_64",
    });
  });

  it("lists its folders as cloud-init walks them, from any of them down to every document", () => {
    const found: string[] = [];
    const walk = (folder: string) => {
      for (const name of get(folder)?.body.split("\n") ?? []) {
        if (name.endsWith("/")) walk(`${folder}${name}`);
        else found.push(`${folder}${name}`.replace("/latest/meta-data/", ""));
      }
    };
    walk("/latest/meta-data/");
    expect(found).toContain(`network/interfaces/macs/${MAC}/device-number`);
    expect(found).toContain("local-hostname");
    for (const path of found) expect(get(`/latest/meta-data/${path}`)?.status).toBe(200);
    expect(get("/latest/meta-data")?.body).toBe(get("//latest//meta-data//")?.body);
    expect(get(`/latest/meta-data/network/interfaces/macs/${encodeURIComponent(MAC)}/mac`)?.body).toBe(MAC);
  });

  it("gives a session token that is good, and takes requests of guests without one", () => {
    const ttl = { "x-aws-ec2-metadata-token-ttl-seconds": "21600" };
    const token = get("/latest/api/token", ttl, "PUT");
    expect(token).toMatchObject({ status: 200, headers: ttl });
    const with_ = (value: string) => get("/latest/meta-data/instance-id", { "x-aws-ec2-metadata-token": value });
    expect(with_(token?.body ?? "")).toMatchObject({ status: 200, body: EC2_ID });
    expect(get("/latest/meta-data/instance-id")).toMatchObject({ status: 200 });
    for (const wrong of ["", "x", `${token?.body}A`, open("ec2")("/latest/api/token", ttl, "PUT")?.body ?? ""]) {
      expect(with_(wrong)).toEqual({ status: 401, body: "" });
    }
  });

  it.each([undefined, "", "0", "21601", "-1", "1e3", "999999999999"])("gives none for %s seconds", (ttl) => {
    const headers = ttl === undefined ? {} : { "x-aws-ec2-metadata-token-ttl-seconds": ttl };
    expect(get("/latest/api/token", headers, "PUT")).toEqual({ status: 400, body: "" });
  });

  it("is read and not written", () => {
    expect(get("/latest/api/token")).toMatchObject({ status: 405, headers: { Allow: "PUT" } });
    expect(get("/latest/user-data", {}, "PUT")).toMatchObject({ status: 405, headers: { Allow: "GET, HEAD" } });
  });
});

describe("OpenStack", () => {
  const get = open("openstack");

  it("lists versions, of which each has every document", () => {
    const versions = get("/openstack")?.body.split("\n") ?? [];
    expect(versions).toEqual(expect.arrayContaining(["2018-08-27", "latest"]));
    for (const version of versions) {
      expect(JSON.parse(get(`/openstack/${version}/meta_data.json`)?.body ?? "")).toMatchObject({ uuid: ID });
      expect(get(`/openstack/${version}/user_data`)?.body).toContain("MIME-Version");
      expect(get(`/openstack/${version}/vendor_data.json`)?.body).toBe("{}\n");
      expect(JSON.parse(get(`/openstack/${version}/network_data.json`)?.body ?? "")).toMatchObject({
        links: [{ ethernet_mac_address: MAC }],
        networks: [{ type: "ipv4_dhcp" }],
      });
    }
  });

  it("has what cloud-init looks for where EC2 has it, without tokens", () => {
    expect(get("/latest/meta-data/instance-id")?.body).toBe(EC2_ID);
    expect(get("/latest/api/token", {}, "PUT")).toBeUndefined();
  });
});

it("a machine with a disk for it has none at the metadata service", () => {
  const get = open("disk");
  for (const path of ["/cloud-init/user-data", "/latest/user-data", "/openstack/latest/user_data", "/"]) {
    expect(get(path)).toBeUndefined();
  }
});

it("no path and no header of a guest throws", () => {
  const sources = (["nocloud", "ec2", "openstack"] as const).map(open);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.constantFrom("GET", "PUT", "HEAD", "X"), (text, method) => {
      const headers = { "x-aws-ec2-metadata-token": text, "x-aws-ec2-metadata-token-ttl-seconds": text };
      for (const get of sources) {
        get(`/${text}`, headers, method);
        get("/latest/api/token", headers, method);
        get("/latest/user-data", headers, method);
      }
    }),
  );
});
