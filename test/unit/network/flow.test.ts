import { describe, expect, it } from "vitest";
import { parseIpv4Address } from "../../../src/network/addresses.ts";
import { IpProtocol } from "../../../src/network/packet/ipv4.ts";
import { decideFlow } from "../../../src/network/policy/flow.ts";
import { ISOLATED, type NetworkPolicy } from "../../../src/network/policy/network-policy.ts";

const { tcp, udp, icmp } = IpProtocol;
const INTERNET: NetworkPolicy = { kind: "internet" };
const ALLOW: NetworkPolicy = { kind: "allow", rules: [{ name: "deb.debian.org", ports: [80] }] };

function decide(policy: NetworkPolicy, protocol: number, address: string, destinationPort = 0) {
  return decideFlow(policy, { protocol, destination: parseIpv4Address(address), destinationPort });
}

describe.each([ISOLATED, ALLOW, INTERNET])("under $kind", (policy) => {
  it("a machine reaches the services of its own network", () => {
    expect(decide(policy, tcp, "169.254.169.254", 80)).toBe("metadata");
    expect(decide(policy, tcp, "169.254.169.254", 3_128)).toBe("proxy");
    expect(decide(policy, udp, "10.0.2.2", 53)).toBe("dns");
    expect(decide(policy, tcp, "10.0.2.2", 53)).toBe("dns");
    expect(decide(policy, udp, "10.0.2.2", 67)).toBe("dhcp");
    expect(decide(policy, udp, "255.255.255.255", 67)).toBe("dhcp");
    expect(decide(policy, icmp, "10.0.2.2")).toBe("echo");
    expect(decide(policy, icmp, "169.254.169.254")).toBe("echo");
  });

  it.each([
    [tcp, "169.254.169.254", 443],
    [udp, "169.254.169.254", 80],
    [tcp, "10.0.2.2", 80],
    [tcp, "10.0.2.2", 67],
    [tcp, "10.0.2.15", 22],
    [tcp, "10.0.2.16", 22],
    [udp, "10.0.2.255", 137],
    [udp, "255.255.255.255", 53],
    [udp, "224.0.0.251", 5_353],
    [udp, "224.0.0.251", 53],
    [tcp, "240.0.0.1", 53],
    [tcp, "0.0.0.0", 80],
    [udp, "0.1.2.3", 53],
    [icmp, "8.8.8.8", 0],
    [47, "10.0.2.2", 0],
    [47, "8.8.8.8", 0],
  ])("protocol %d to %s port %d is refused", (protocol, address, port) => {
    expect(decide(policy, protocol, address, port)).toBe("refuse");
  });
});

describe("the isolated policy", () => {
  it.each([
    [tcp, "169.254.169.253", 80],
    [tcp, "127.0.0.1", 80],
    [tcp, "192.168.1.1", 80],
    [tcp, "93.184.216.34", 443],
    [tcp, "8.8.8.8", 53],
    [udp, "8.8.8.8", 53],
    [udp, "8.8.8.8", 443],
    [udp, "8.8.8.8", 67],
    [udp, "169.254.169.254", 53],
  ])("refuses protocol %d to %s port %d", (protocol, address, port) => {
    expect(decide(ISOLATED, protocol, address, port)).toBe("refuse");
  });
});

describe.each([ALLOW, INTERNET])("the policy $kind", (policy) => {
  it.each([
    [tcp, "93.184.216.34", 443],
    [udp, "93.184.216.34", 443],
    [udp, "93.184.216.34", 67],
    [tcp, "198.18.0.1", 80],
    // Not for this function to say: the services know what is public.
    [tcp, "127.0.0.1", 80],
    [tcp, "192.168.1.1", 80],
  ])("has the services asked for protocol %d to %s port %d", (protocol, address, port) => {
    expect(decide(policy, protocol, address, port)).toBe("outside");
  });

  it.each(["8.8.8.8", "169.254.169.254", "192.168.1.1", "10.0.2.3"])("redirects DNS to %s", (address) => {
    expect(decide(policy, tcp, address, 53)).toBe("dns");
    expect(decide(policy, udp, address, 53)).toBe("dns");
  });
});
