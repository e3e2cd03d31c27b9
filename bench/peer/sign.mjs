// Signs files with @documenso/pdf-sign in a placeholder by @signpdf, and prints the CPU milliseconds per document.
//   node sign.mjs certificate.pem key.pem < "source<TAB>target" lines
import { readFileSync, writeFileSync } from "node:fs";
import { signWithPrivateKey } from "@documenso/pdf-sign";
import { plainAddPlaceholder } from "@signpdf/placeholder-plain";
import { SUBFILTER_ETSI_CADES_DETACHED } from "@signpdf/utils";

const [cert, privateKey] = process.argv.slice(2).map((path) => readFileSync(path));
const jobs = readFileSync(0, "utf8").trim().split("\n").map((line) => line.split("\t"));

function sign(source) {
  let pdf = plainAddPlaceholder({
    pdfBuffer: source, reason: "bench", contactInfo: "", name: "peer", location: "", signatureLength: 8192,
    subFilter: SUBFILTER_ETSI_CADES_DETACHED,
  });
  const mark = pdf.lastIndexOf("/ByteRange");
  const rangeEnd = pdf.indexOf("]", mark) + 1;
  const open = pdf.indexOf("<", pdf.indexOf("/Contents", mark));
  const close = pdf.indexOf(">", open) + 1;
  const range = `/ByteRange [0 ${open} ${close} ${pdf.length - close}]`.padEnd(rangeEnd - mark);
  pdf = Buffer.from(pdf);
  pdf.write(range, mark, "latin1");
  const content = Buffer.concat([pdf.subarray(0, open), pdf.subarray(close)]);
  const cms = signWithPrivateKey({ content, cert, privateKey });
  pdf.write(cms.toString("hex"), open + 1, "latin1");
  return pdf;
}

for (const [source] of jobs.slice(0, 20)) sign(readFileSync(source)); // warm
const before = process.cpuUsage();
for (const [source, target] of jobs) writeFileSync(target, sign(readFileSync(source)));
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1000 / jobs.length);
