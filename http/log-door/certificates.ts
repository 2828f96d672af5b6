/**
 * The certificates of the protocol's door: an authority of this data directory's own, and a server
 * certificate for the names of this machine signed by it. Clients need `certificates/ca.crt` only. Made at
 * first use; the server's is made anew long before it ends, or when the machine is called otherwise.
 */
import "reflect-metadata"
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { writeFileSync } from "node:fs"
import { randomBytes, X509Certificate } from "node:crypto"
import { hostname } from "node:os"
import { join } from "node:path"
import * as x509 from "@peculiar/x509"
import { OperationFailed } from "../../projections/aios.ts"

const dayMillis = 24 * 60 * 60 * 1000
const authorityDays = 3650
/** Some clients refuse server certificates that are good for longer than 825 days. */
const serverDays = 800
/** With less left it is made anew at the next start: a process may run for so long. */
const renewDays = 400
/** Clocks of other machines may be behind. */
const backdateMillis = 60 * 60 * 1000

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

export interface Certificates {
  /** Path of the authority's certificate: what clients are given. */
  readonly caFile: string
  /** PEM. */
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

const folderOf = (dataDir: string) => join(dataDir, "certificates")

/** Where the authority's certificate of a data directory is. */
export const caFileOf = (dataDir: string): string => join(folderOf(dataDir), "ca.crt")

/** Positive, with a leading bit that needs no padding: some readers are strict. */
const serial = () => {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString("hex")
}

const keyPair = () => crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])

const pemOf = async (key: CryptoKey) =>
  x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY") + "\n"

const lines = (pem: string) => pem.endsWith("\n") ? pem : `${pem}\n`

/** Written whole or not at all, readable for the owner only where it is secret. */
const write = (path: string, text: string, mode: number) => {
  const draft = `${path}.${randomBytes(6).toString("hex")}.new`
  writeFileSync(draft, text, { mode })
  chmodSync(draft, mode)
  renameSync(draft, path)
}

const makeAuthority = async (folder: string) => {
  const keys = await keyPair()
  const name = `CN=AIOS log of ${hostname().replace(/[^\w.-]/g, "-") || "this machine"}`
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name,
    notBefore: new Date(Date.now() - backdateMillis),
    notAfter: new Date(Date.now() + authorityDays * dayMillis),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  write(join(folder, "ca.key"), await pemOf(keys.privateKey), 0o600)
  write(join(folder, "ca.crt"), lines(certificate.toString("pem")), 0o644)
}

/** The names a client of this machine may call it by. */
const namesHere = (): ReadonlyArray<string> => [
  "localhost",
  ...[hostname().toLowerCase()].filter((name) =>
    name !== "localhost" && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name) && name.length < 254
  ),
]

const makeServer = async (folder: string) => {
  const authority = new x509.X509Certificate(readFileSync(join(folder, "ca.crt"), "utf8"))
  const signing = await crypto.subtle.importKey(
    "pkcs8",
    x509.PemConverter.decodeFirst(readFileSync(join(folder, "ca.key"), "utf8")),
    algorithm,
    false,
    ["sign"],
  )
  const keys = await keyPair()
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: "CN=localhost",
    issuer: authority.subject,
    notBefore: new Date(Date.now() - backdateMillis),
    notAfter: new Date(
      Math.min(Date.now() + serverDays * dayMillis, authority.notAfter.getTime()),
    ),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: signing,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...namesHere().map((value) => ({ type: "dns" as const, value })),
        { type: "ip", value: "127.0.0.1" },
        { type: "ip", value: "::1" },
      ]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
    ],
  })
  // One file, so that key and certificate are always of one another.
  write(
    join(folder, "server.pem"),
    (await pemOf(keys.privateKey)) + lines(certificate.toString("pem")),
    0o600,
  )
}

const daysLeft = (certificate: X509Certificate) =>
  (Date.parse(certificate.validTo) - Date.now()) / dayMillis

const parts = (pem: string) => ({
  key: /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n/.exec(pem)?.[0],
  certificate: /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n/.exec(pem)?.[0],
})

/** Whether the server's certificate is there, of this authority, for the names of today, and good for long. */
const isGood = (folder: string, authority: X509Certificate): boolean => {
  try {
    const { certificate, key } = parts(readFileSync(join(folder, "server.pem"), "utf8"))
    if (certificate === undefined || key === undefined) return false
    const server = new X509Certificate(certificate)
    const left = Math.min(renewDays, daysLeft(authority) - 1)
    return daysLeft(server) >= left && server.verify(authority.publicKey) &&
      namesHere().every((name) => server.subjectAltName?.split(", ").includes(`DNS:${name}`))
  } catch {
    return false
  }
}

/** Made beside and renamed: of two processes that begin at once, one is first and the other reads. */
const firstTime = async (folder: string) => {
  const beside = `${folder}.${randomBytes(6).toString("hex")}.new`
  rmSync(beside, { recursive: true, force: true })
  mkdirSync(beside, { recursive: true, mode: 0o700 })
  try {
    await makeAuthority(beside)
    renameSync(beside, folder)
  } catch (cause) {
    rmSync(beside, { recursive: true, force: true })
    if (!existsSync(join(folder, "ca.crt"))) throw cause
  }
}

/** The certificates of a data directory, made where they are missing or near their end. */
export const certificatesOf = async (dataDir: string): Promise<Certificates> => {
  const folder = folderOf(dataDir)
  const caFile = caFileOf(dataDir)
  if (!existsSync(caFile) || !existsSync(join(folder, "ca.key"))) {
    // What is there without its other half is of no use, and signs nothing any more.
    rmSync(folder, { recursive: true, force: true })
    await firstTime(folder)
  }
  const ca = readFileSync(caFile, "utf8")
  const authority = new X509Certificate(ca)
  if (daysLeft(authority) < 1) {
    throw new OperationFailed({
      kind: "configuration",
      error: "CertificateEnded",
      message:
        `The authority ${caFile} is no longer good (${authority.validTo}). Remove the folder ` +
        `${folder}, start again, and give the new ca.crt to your clients.`,
    })
  }
  if (!isGood(folder, authority)) await makeServer(folder)
  const { certificate, key } = parts(readFileSync(join(folder, "server.pem"), "utf8"))
  if (certificate === undefined || key === undefined) {
    throw new OperationFailed({
      kind: "configuration",
      error: "CertificateDamaged",
      message: `${join(folder, "server.pem")} is damaged. Remove it and start again.`,
    })
  }
  return { caFile, ca, certificate, key }
}
