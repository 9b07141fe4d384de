import { BlockList, isIPv4, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";

// IP addresses, known for what they are however they are written.

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Link-local addresses, and others at which clouds serve credentials to their machines. */
const unsafe = new BlockList();
unsafe.addSubnet("169.254.0.0", 16, "ipv4");
unsafe.addSubnet("fe80::", 10, "ipv6");
for (const address of [
  "100.100.100.200", // Alibaba
  "168.63.129.16", // Azure's host agent
  "192.0.0.192", // Oracle, classic
]) {
  unsafe.addAddress(address, "ipv4");
}
// All that Amazon serves in a machine: metadata, and credentials for Pods.
unsafe.addSubnet("fd00:ec2::", 32, "ipv6");
for (const address of [
  "fd20:ce::254", // Google
  "fd00:c1::a9fe:a9fe", // Oracle
  "fd00:100::100:200", // Alibaba
  "fd00:42::42", // Scaleway
  "fd00:a9fe:a9fe::1", // Linode
]) {
  unsafe.addAddress(address, "ipv6");
}

/** Whether a connection to this address, as `plainAddress` gives it, reaches the machine that makes it. */
export function isLoopback(address: string): boolean {
  return isIn(loopback, address);
}

/** Whether this address, as `plainAddress` gives it, is link-local or serves credentials. */
export function isUnsafe(address: string): boolean {
  return isIn(unsafe, address);
}

export function isIn(networks: BlockList, address: string): boolean {
  return networks.check(address, familyOf(address));
}

export function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}

/** Whether this machine has this address. */
export function isOfThisMachine(address: string): boolean {
  if (isLoopback(address)) return true;
  const own = new BlockList();
  for (const found of Object.values(networkInterfaces()).flat()) {
    if (found) own.addAddress(found.address, familyOf(found.address));
  }
  return isIn(own, address);
}

/**
 * The address that a connection to this one reaches: an IPv4 address that is written as an IPv6 one
 * (`::ffff:10.0.0.1`, `::10.0.0.1`) as what it is, and 0.0.0.0/8 and ::, with which a machine reaches itself,
 * as loopback.
 */
export function plainAddress(address: string): string {
  if (isIPv4(address)) return address.startsWith("0.") ? "127.0.0.1" : address;
  const bytes = bytesOf(address);
  const isMapped = startsWith(bytes, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
  if (!isMapped && bytes.slice(0, 12).some((byte) => byte !== 0)) return asUrlsHave(address);
  const ipv4 = bytes.slice(12);
  const isLocal = !isMapped && ipv4.slice(0, 3).every((byte) => byte === 0) && (ipv4[3] ?? 0) <= 1;
  return isLocal ? "::1" : plainAddress(ipv4.join("."));
}

/** Where an IPv4 address stands in an IPv6 address with one of these beginnings, which a gateway translates. */
const translated = [
  // 6to4 (RFC 3056)
  { prefix: [0x20, 0x02], places: [[2, 3, 4, 5]] },
  // NAT64 (RFC 6052)
  { prefix: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], places: [[12, 13, 14, 15]] },
  // NAT64 of a network of one's own (RFC 8215), whose prefix may have any length from 48 on.
  {
    prefix: [0, 0x64, 0xff, 0x9b, 0, 1],
    places: [
      [6, 7, 9, 10],
      [7, 9, 10, 11],
      [9, 10, 11, 12],
      [12, 13, 14, 15],
    ],
  },
];

/** The IPv4 addresses to which a gateway may translate this IPv6 address; none for most addresses. */
export function translatedAddresses(address: string): string[] {
  if (!isIPv6(address)) return [];
  const bytes = bytesOf(address);
  const places = translated.find(({ prefix }) => startsWith(bytes, prefix))?.places ?? [];
  return places.map((place) => place.map((index) => bytes[index]).join("."));
}

function startsWith(bytes: number[], prefix: number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}

/** The sixteen bytes of an IPv6 address. */
function bytesOf(address: string): number[] {
  const [head = [], tail = []] = asUrlsHave(address)
    .split("::")
    .map((part) => part.split(":").flatMap((group) => (group === "" ? [] : Number.parseInt(group, 16))));
  const gap = new Array<number>(8 - head.length - tail.length).fill(0);
  return [...head, ...gap, ...tail].flatMap((group) => [group >> 8, group & 0xff]);
}

/** An IPv6 address with its numbers in small hex, and with one gap at most. */
function asUrlsHave(address: string): string {
  return new URL(`tcp://[${address}]`).hostname.slice(1, -1);
}
