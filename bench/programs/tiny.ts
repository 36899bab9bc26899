/**
 * The smallest server: a static program of a few hundred bytes, so that what is measured is the way to it.
 *
 * A fresh machine has no compiler and Debian packages no static server that takes an inherited socket, so it is written here,
 * instruction by instruction (Intel 64 manual, volume 2; system call numbers of x86-64; elf(5)). In C:
 *
 *     int fd = 3;
 *     if (!any(environ, starts with "LISTEN_F")) { fd = socket(AF_INET, SOCK_STREAM, 0); setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 4); bind(fd, 0.0.0.0:8080); listen(fd, 128); }
 *     for (;;) { int c = accept(fd, 0, 0); if (c < 0) exit(1); read(c, buffer, 2048); write(c, answer); close(c); }
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { type Bench, type Program, Unavailable } from '../types.ts';

const port = 8080;
const answer = 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n';
const base = 0x40_0000n;
const headerBytes = 64 + 56;
const [sysRead, sysWrite, sysClose, sysSocket, sysAccept, sysBind, sysListen, sysSetsockopt, sysExit] = [0, 1, 3, 41, 43, 49, 50, 54, 60] as const;

export const tiny: Program = {
  name: 'tiny',
  port,
  prepare({ directory }: Bench) {
    if (process.arch !== 'x64') throw new Unavailable(`the tiny program is x86-64 code, this machine is ${process.arch}`);
    const root = `${directory}/tiny-root`;
    mkdirSync(root, { recursive: true });
    // A program that runs cannot be written.
    if (!existsSync(`${root}/tiny`)) writeFileSync(`${root}/tiny`, tinyProgram(), { mode: 0o755 });
    return { container: [`Rootfs=${root}`, 'Exec=/tiny'], own: [] };
  },
};

/** An ELF file with one read-only, executable segment that is the whole file. */
export function tinyProgram(): Buffer {
  const code = assemble();
  const size = BigInt(headerBytes + code.length);
  const header = Buffer.alloc(headerBytes);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header); // ELF, 64 bits, little-endian, version 1
  header.writeUInt16LE(2, 16); // e_type: executable
  header.writeUInt16LE(62, 18); // e_machine: x86-64
  header.writeUInt32LE(1, 20); // e_version
  header.writeBigUInt64LE(base + BigInt(headerBytes), 24); // e_entry
  header.writeBigUInt64LE(64n, 32); // e_phoff
  header.writeUInt16LE(64, 52); // e_ehsize
  header.writeUInt16LE(56, 54); // e_phentsize
  header.writeUInt16LE(1, 56); // e_phnum
  header.writeUInt32LE(1, 64); // p_type: load
  header.writeUInt32LE(5, 68); // p_flags: read, execute
  header.writeBigUInt64LE(base, 80); // p_vaddr
  header.writeBigUInt64LE(base, 88); // p_paddr
  header.writeBigUInt64LE(size, 96); // p_filesz
  header.writeBigUInt64LE(size, 104); // p_memsz
  header.writeBigUInt64LE(0x1000n, 112); // p_align
  return Buffer.concat([header, code]);
}

function assemble(): Buffer {
  const code = new Assembler();
  // At the start rsp points to argc, argv…, NULL, environ…, NULL.
  code.bytes(0x48, 0x8b, 0x3c, 0x24); // mov rdi, [rsp]
  code.bytes(0x48, 0x8d, 0x74, 0xfc, 0x10); // lea rsi, [rsp + rdi*8 + 16]: environ
  code.bytes(0x48, 0xb9).text('LISTEN_F'); // mov rcx, "LISTEN_F": LISTEN_FDS and LISTEN_FDNAMES come together
  code.label('variable').bytes(0x48, 0xad); // lodsq: rax = *rsi++
  code.bytes(0x48, 0x85, 0xc0).jump(0x74, 'open'); // test rax, rax; jz open
  code.bytes(0x48, 0x39, 0x08).jump(0x75, 'variable'); // cmp [rax], rcx; jne variable
  code.bytes(0xbb).number(3).jump(0xeb, 'serve'); // mov ebx, 3; jmp serve

  code.label('open').edi(2).esi(1).noEdx().call(sysSocket);
  code.bytes(0x89, 0xc3); // mov ebx, eax
  // Whoever binds the port again within a minute of an earlier connection needs it, and every server has it.
  code.bytes(0x4c, 0x8d, 0x15).reference('one'); // lea r10, [rip + one]
  code.bytes(0x41, 0xb8).number(4); // mov r8d, 4
  code.socket().esi(1).edx(2).call(sysSetsockopt);
  code.socket().address('sockaddr').edx(16).call(sysBind);
  code.socket().esi(128).call(sysListen);

  code.label('serve').socket().noEsi().noEdx().call(sysAccept);
  code.bytes(0x85, 0xc0).jump(0x78, 'fail'); // test eax, eax; js fail
  code.bytes(0x89, 0xc5); // mov ebp, eax
  code.connection().bytes(0x48, 0x8d, 0xb4, 0x24).number(-4096); // lea rsi, [rsp - 4096]
  code.edx(2048).call(sysRead);
  code.connection().address('answer').edx(answer.length).call(sysWrite);
  code.connection().call(sysClose);
  code.jump(0xeb, 'serve');

  code.label('fail').edi(1).call(sysExit);
  code.label('one').number(1);
  // struct sockaddr_in, in the network's byte order
  code.label('sockaddr').bytes(2, 0, port >> 8, port & 0xff, ...Array.from({ length: 12 }, () => 0));
  code.label('answer').text(answer);
  return code.link();
}

class Assembler {
  readonly #code: number[] = [];
  readonly #labels = new Map<string, number>();
  /** Places to be filled in, relative to the instruction's end. */
  readonly #references: { readonly at: number; readonly size: 1 | 4; readonly label: string }[] = [];

  bytes(...bytes: readonly number[]): this {
    this.#code.push(...bytes);
    return this;
  }

  text(text: string): this {
    return this.bytes(...Buffer.from(text));
  }

  /** 32 bits, little-endian. */
  number(value: number): this {
    return this.bytes(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff);
  }

  label(name: string): this {
    this.#labels.set(name, this.#code.length);
    return this;
  }

  /** A jump of one byte's distance. */
  jump(opcode: number, label: string): this {
    this.bytes(opcode);
    this.#references.push({ at: this.#code.length, size: 1, label });
    return this.bytes(0);
  }

  edi(value: number): this {
    return this.bytes(0xbf).number(value);
  }

  esi(value: number): this {
    return this.bytes(0xbe).number(value);
  }

  edx(value: number): this {
    return this.bytes(0xba).number(value);
  }

  /** xor esi, esi */
  noEsi(): this {
    return this.bytes(0x31, 0xf6);
  }

  /** xor edx, edx */
  noEdx(): this {
    return this.bytes(0x31, 0xd2);
  }

  /** mov edi, ebx: the listening socket as first argument. */
  socket(): this {
    return this.bytes(0x89, 0xdf);
  }

  /** mov edi, ebp: the accepted connection as first argument. */
  connection(): this {
    return this.bytes(0x89, 0xef);
  }

  /** lea rsi, [rip + label] */
  address(label: string): this {
    return this.bytes(0x48, 0x8d, 0x35).reference(label);
  }

  /** The distance to a label, in four bytes. */
  reference(label: string): this {
    this.#references.push({ at: this.#code.length, size: 4, label });
    return this.number(0);
  }

  /** mov eax, number; syscall */
  call(number: number): this {
    return this.bytes(0xb8).number(number).bytes(0x0f, 0x05);
  }

  link(): Buffer {
    const code = Buffer.from(this.#code);
    for (const { at, size, label } of this.#references) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`Expected the label ${label}, found none`);
      code.writeIntLE(target - at - size, at, size);
    }
    return code;
  }
}
