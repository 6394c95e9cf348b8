/**
 * Runs a handler that was written for `pages/api` as the methods of a route file:
 *
 *     export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = bridge(handler);
 *
 * The handler gets the request and the response of Node.js itself, joined to the web
 * Request and Response by a stand-in for the socket, with all that the Pages Router
 * adds to them. So it reads, streams, answers and fails as it did there.
 */

import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { parse as parseQuery } from 'node:querystring';
import { Duplex, Stream } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { NextApiHandler, NextApiRequest, NextApiResponse } from 'next';
import { draftMode } from 'next/headers';

/** A function of `(req, res)`, whatever more it wants of them than Next.js says. */
type Handler = (req: never, res: never, ...rest: never[]) => unknown;

/** The part of a page's `config` that changes what the handler gets. */
interface Config {
  api?: {
    /** `false` leaves the body to the handler, as a stream. */
    bodyParser?: boolean | { sizeLimit?: number | string | undefined };
  };
}

interface Context {
  params: Promise<Record<string, string | string[] | undefined>>;
}

/** The methods of a route file that the handler answers, all of them. */
export function bridge(handler: Handler, config: Config = {}) {
  const bodyParser = config.api?.bodyParser;
  const limit = typeof bodyParser === 'object' && bodyParser.sizeLimit;
  async function run(request: Request, context: Context): Promise<Response> {
    const params = await context.params;
    // Asked for now, since `res.setDraftMode()` cannot wait.
    const draft = await draftMode();
    const { req, res, answer } = connect(request);
    const { search } = new URL(request.url);
    req.query = { ...parseQuery(search.slice(1)), ...params };
    req.cookies = parseCookies(req.headers.cookie);
    if (draft.isEnabled) req.draftMode = req.preview = true;
    req.previewData = draft.isEnabled && {};
    addHelpers(req, res);
    res.setDraftMode = ({ enable } = { enable: true }) => {
      if (enable) draft.enable();
      else draft.disable();
      return res;
    };
    // Not awaited: the answer may begin long before the handler ends.
    void serve(res, async () => {
      if (bodyParser !== false) {
        req.body = await parseBody(req, limit || '1mb');
      }
      await (handler as NextApiHandler)(req, res);
    });
    return answer;
  }
  return {
    GET: run,
    HEAD: run,
    POST: run,
    PUT: run,
    PATCH: run,
    DELETE: run,
    OPTIONS: run,
  };
}

/** An error that the client is told about. */
class ApiError extends Error {
  statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** Does the work of a handler, and answers for it when it fails. */
async function serve(res: NextApiResponse, work: () => Promise<void>) {
  try {
    await work();
  } catch (error) {
    const told = error instanceof ApiError;
    if (!told) console.error(error);
    if (res.writableEnded) return;
    res.statusCode = told ? error.statusCode : 500;
    res.statusMessage = told ? error.message : 'Internal Server Error';
    res.end(res.statusMessage);
  }
}

/** The request and the response of Node.js for a web request, and the web answer. */
function connect(request: Request) {
  // What the handler writes; each chunk waits until the client takes it.
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const body = writable.getWriter();
  let inBody = false;
  const wire = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, done) {
      // First Node.js writes the head, which is in the web answer already.
      const start = inBody ? 0 : bytes.indexOf('\r\n\r\n') + 4;
      const { buffer, byteOffset, length } = bytes.subarray(start);
      const chunk = new Uint8Array(buffer, byteOffset, length);
      inBody = true;
      if (chunk.length === 0) done();
      else body.write(chunk).then(() => done(), lost);
    },
    destroy(error, done) {
      // The client sees an answer that is cut off, unless it has all of it.
      body.abort(error).catch(() => {});
      done(null);
    },
  });
  const lost = () => wire.destroy();
  body.closed.catch(lost);
  // Next.js names the client there where no proxy has done so.
  const hops = request.headers.get('x-forwarded-for')?.split(',') ?? [];
  const socket = Object.assign(wire, {
    remoteAddress: hops.pop()?.trim(),
    setTimeout: () => socket,
    setNoDelay: () => socket,
    setKeepAlive: () => socket,
  }) as unknown as Socket;

  const req = openRequest(request, socket);
  const res = new ServerResponse(req) as unknown as NextApiResponse;
  // Headers given to writeHead() join those that are set, but only if some were ever.
  res.setHeader('x-bridge', '');
  res.removeHeader('x-bridge');
  res.assignSocket(socket);
  // What a server of Node.js does for its responses.
  socket.on('drain', () => res.emit('drain'));
  Object.defineProperty(res, 'writableNeedDrain', {
    get: () => socket.writableNeedDrain,
  });
  res.once('finish', () => body.close().then(lost, lost));
  request.signal.addEventListener('abort', () => {
    const error = Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    if (!res.writableFinished) req.destroy(error);
    wire.destroy();
  });
  // Next.js sends a head with the first chunk, which may be empty.
  const flushHeaders = res.flushHeaders;
  res.flushHeaders = () => {
    flushHeaders.call(res);
    body.write(new Uint8Array()).catch(lost);
  };

  const answer = new Promise<Response>((resolve) => {
    const writeHead = res.writeHead;
    res.writeHead = (...head: unknown[]) => {
      Reflect.apply(writeHead, res, head);
      // Next.js frames the body.
      res.chunkedEncoding = false;
      resolve(toResponse(res, readable));
      return res;
    };
    // Nobody reads it when the client is gone; else the handler hung up.
    res.once('close', () => resolve(new Response(null, { status: 500 })));
  });
  return { req, res, answer };
}

/** The request of Node.js for a web request. */
function openRequest(request: Request, socket: Socket) {
  const { pathname, search } = new URL(request.url);
  const req = new IncomingMessage(socket) as NextApiRequest;
  req.method = request.method;
  req.url = pathname + search;
  req.httpVersion = '1.1';
  req.httpVersionMajor = 1;
  req.httpVersionMinor = 1;
  request.headers.forEach((value, name) => {
    req.headers[name] = value;
    req.rawHeaders.push(name, value);
  });
  const reader = request.body?.getReader();
  const readSocket = req._read;
  req._read = (size) => {
    // It makes the stream ready, and finds nothing to read.
    readSocket.call(req, size);
    Promise.resolve(reader?.read()).then(
      (read) => {
        req.complete = !read?.value;
        req.push(read?.value ?? null);
      },
      (error) => req.destroy(error),
    );
  };
  return req;
}

/** The web answer for a head that was written and the body that follows. */
function toResponse(res: NextApiResponse, body: ReadableStream<Uint8Array>) {
  const headers = new Headers();
  for (const [name, value] of Object.entries(res.getHeaders())) {
    const lines = Array.isArray(value) ? value : [value];
    lines.forEach((line) => headers.append(name, String(line)));
  }
  headers.delete('transfer-encoding');
  // A web answer has no other status.
  const known = res.statusCode >= 200 && res.statusCode <= 599;
  const head = {
    status: known ? res.statusCode : 500,
    statusText: res.statusMessage,
    headers,
  };
  if (res.req.method === 'HEAD' || [204, 205, 304].includes(head.status)) {
    body.pipeTo(new WritableStream()).catch(() => {});
    return new Response(null, head);
  }
  // Next.js drops Content-Encoding, so that a compressed body could not be read.
  const decode = DECODERS[headers.get('content-encoding') ?? ''];
  if (decode) {
    headers.delete('content-encoding');
    headers.delete('content-length');
    return new Response(body.pipeThrough(toWeb(decode())), head);
  }
  return new Response(body, head);
}

/** What not all types of Node.js know. */
interface ToWeb {
  toWeb(duplex: Duplex): ReadableWritablePair<Uint8Array, Uint8Array>;
}

const { toWeb } = Duplex as unknown as ToWeb;

const DECODERS: Partial<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Adds what the Pages Router gives a response. */
function addHelpers(req: NextApiRequest, res: NextApiResponse) {
  res.status = (statusCode) => {
    res.statusCode = statusCode;
    return res;
  };
  res.send = (data) => send(req, res, data);
  res.json = (data) => {
    res.setHeader('Content-Type', JSON_TYPE);
    res.send(JSON.stringify(data));
  };
  res.redirect = (...target: (number | string)[]) => {
    const [status, url] =
      typeof target[0] === 'string' ? [307, target[0]] : target;
    if (typeof status !== 'number' || typeof url !== 'string') {
      throw new Error('redirect() takes a URL, or a status and a URL');
    }
    res.writeHead(status, { Location: url });
    res.write(url);
    res.end();
    return res;
  };
  const left = (name: string) => () => {
    throw new Error(`res.${name}() works in pages/api only`);
  };
  Object.assign(res, {
    // Compression adds it there; Next.js sends each chunk of a route file at once.
    flush() {},
    revalidate: left('revalidate'),
    setPreviewData: left('setPreviewData'),
    clearPreviewData: left('clearPreviewData'),
  });
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** `res.send()`: answers JSON for data, bytes for buffers and streams, text as it is. */
function send(req: NextApiRequest, res: NextApiResponse, data: unknown) {
  if (data === null || data === undefined) {
    res.end();
    return;
  }
  if (res.statusCode === 204 || res.statusCode === 304) {
    res.removeHeader('Content-Type');
    res.removeHeader('Content-Length');
    res.end();
    return;
  }
  const type = res.getHeader('Content-Type') ?? 'application/octet-stream';
  if (data instanceof Stream) {
    res.setHeader('Content-Type', type);
    data.pipe(res);
    return;
  }
  const isData = ['object', 'number', 'boolean'].includes(typeof data);
  const text = isData ? JSON.stringify(data) : (data as string);
  const etag = etagOf(text);
  res.setHeader('ETag', etag);
  if (isFresh(req, etag)) {
    res.statusCode = 304;
    res.end();
    return;
  }
  const content = Buffer.isBuffer(data) ? data : Buffer.from(text);
  if (isData) {
    res.setHeader('Content-Type', Buffer.isBuffer(data) ? type : JSON_TYPE);
  }
  res.setHeader('Content-Length', content.length);
  res.end(content);
}

const NO_CACHE = /(?:^|,)\s*?no-cache\s*?(?:,|$)/;

/** Whether the client has what the ETag stands for. */
function isFresh({ headers }: NextApiRequest, etag: string) {
  const match = headers['if-none-match'];
  if (!match || headers['if-modified-since']) return false;
  if (NO_CACHE.test(headers['cache-control'] ?? '')) return false;
  const bare = (tag: string) => tag.trim().replace(/^W\//, '');
  return match === '*' || match.split(',').some((tag) => bare(tag) === etag);
}

/** The ETag of the Pages Router: a 52-bit FNV-1a hash. */
function etagOf(text: string) {
  let v0 = 0x2325;
  let v1 = 0x8422;
  let v2 = 0x9ce4;
  let v3 = 0xcbf2;
  for (let at = 0; at < text.length; at++) {
    v0 ^= text.charCodeAt(at);
    const t0 = v0 * 435;
    const t1 = v1 * 435 + (t0 >>> 16);
    const t2 = v2 * 435 + (v0 << 8) + (t1 >>> 16);
    const t3 = v3 * 435 + (v1 << 8) + (t2 >>> 16);
    v0 = t0 & 65535;
    v1 = t1 & 65535;
    v2 = t2 & 65535;
    v3 = t3 & 65535;
  }
  const low = v2 * 4294967296 + v1 * 65536 + (v0 ^ (v3 >> 4));
  const hash = (v3 & 15) * 281474976710656 + low;
  return `"${hash.toString(36)}${text.length.toString(36)}"`;
}

/** The cookies of a header: of two with one name the first, without quotes. */
function parseCookies(header = '') {
  const cookies: Partial<Record<string, string>> = {};
  for (const pair of header.split(/; */)) {
    const at = pair.indexOf('=');
    if (at < 0) continue;
    const value = pair.slice(at + 1).trim();
    const bare = value.startsWith('"') ? value.slice(1, -1) : value;
    cookies[pair.slice(0, at).trim()] ??= decode(bare);
  }
  return cookies;
}

function decode(text: string) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The body by its type: JSON and forms as data, everything else as text. */
async function parseBody(req: NextApiRequest, limit: number | string) {
  const { type, decoder } = parseType(req.headers['content-type']);
  const text = decoder.decode(await readBytes(req, limit));
  switch (type) {
    case 'application/json':
    case 'application/ld+json':
      return parseJson(text);
    case 'application/x-www-form-urlencoded':
      return parseQuery(text);
    default:
      return text;
  }
}

function parseJson(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, 'Invalid JSON');
  }
}

const WORD = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const TYPE = new RegExp(
  `^\\s*(${WORD}/${WORD})\\s*(?:; *${WORD} *= *(?:${WORD}|"(?:[^"\\\\]|\\\\.)*") *)*$`,
);
const CHARSET = /; *charset *= *"?([^"; ]*)/i;

/** The type of a body and how to read its text. What is not well-formed is no type. */
function parseType(header = '') {
  const type = TYPE.exec(header)?.[1]?.toLowerCase();
  const charset = type && CHARSET.exec(header)?.[1];
  try {
    return { type, decoder: new TextDecoder(charset || 'utf-8') };
  } catch {
    throw new ApiError(400, 'Invalid body');
  }
}

/** The whole body, up to a limit. */
function readBytes(req: NextApiRequest, limit: number | string) {
  const most = toBytes(limit);
  const chunks: Uint8Array[] = [];
  let length = 0;
  return new Promise<Buffer>((resolve, reject) => {
    req.on('data', (chunk: Uint8Array) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > most) {
        req.pause();
        reject(new ApiError(413, `Body exceeded ${limit} limit`));
      }
    });
    req.once('end', () => resolve(Buffer.concat(chunks)));
    req.once('aborted', () => reject(new ApiError(400, 'Invalid body')));
  });
}

/** A size as `4mb`, in bytes. */
function toBytes(size: number | string) {
  if (typeof size === 'number') return size;
  const units = ['kb', 'mb', 'gb', 'tb', 'pb'];
  const parts = /^([-+]?\d+(?:\.\d+)?) *(kb|mb|gb|tb|pb)$/i.exec(size);
  if (!parts) return parseInt(size, 10);
  const unit = units.indexOf(String(parts[2]).toLowerCase());
  return Math.floor(Number(parts[1]) * 1024 ** (unit + 1));
}
