/**
 * Every Debian package that demo, tests and benchmarks need, what for, the program it is known by, and the units that it enables.
 * Those with a target or with kinds of tests are for these alone.
 */
export const packages = [
  { name: 'systemd', program: 'systemctl', reason: 'PID 1 of the test box' },
  { name: 'dbus', program: 'dbus-daemon', reason: 'scopes are asked for over D-Bus' },
  { name: 'crun', program: 'crun', reason: 'runs the containers' },
  { name: 'util-linux', program: 'unshare', reason: 'makes and enters the namespaces of the test box' },
  { name: 'procps', program: 'pgrep', reason: 'tests look for leftover processes' },
  { name: 'iproute2', program: 'ip', reason: 'tests look at the network of the test box' },
  { name: 'passt', program: 'pasta', reason: 'the network of sites with Network=pasta' },
  { name: 'netavark', program: 'netavark', reason: 'named networks of podman\'s' },
  { name: 'aardvark-dns', program: 'aardvark-dns', reason: 'names on them' },
  { name: 'nftables', program: 'nft', reason: 'tests look at what netavark left' },
  { name: 'iptables', program: 'iptables', reason: 'rules of named networks, where netavark does not use nftables' },
  { name: 'python3', program: 'python3', reason: 'sites of the demo and the tests' },
  { name: 'redis-server', program: 'redis-server', reason: 'a site that does not speak HTTP', units: ['redis-server.service'] },
  { name: 'redis-tools', program: 'redis-cli', reason: 'its client' },
  { name: 'curl', program: 'curl', reason: 'the client of the demo\'s HTTP sites' },
  { name: 'busybox-static', program: 'busybox', reason: 'roots of the smallest test sites', replaces: 'busybox' },
  {
    name: 'podman', program: 'podman', reason: 'builds and keeps the images of test sites',
    units: ['podman.socket', 'podman.service', 'podman-auto-update.timer', 'podman-auto-update.service', 'podman-restart.service'],
  },
  { name: 'mmdebstrap', program: 'mmdebstrap', reason: 'makes the Debian 13 root, the base of images, and disks of virtual machines', target: 'debian13', kinds: ['images', 'vm'] },
  { name: 'chromium', program: 'chromium', reason: 'a browser at the front door', kinds: ['clients'] },
  { name: 'default-jdk-headless', program: 'javac', reason: 'Java\'s HTTP client at the front door', kinds: ['clients'] },
  { name: 'golang-go', program: 'go', reason: 'Go\'s HTTP client at the front door', kinds: ['clients'] },
  { name: 'qemu-system-x86', program: 'qemu-system-x86_64', reason: 'the virtual machine of npm run test:vm', kinds: ['vm'] },
  { name: 'qemu-utils', program: 'qemu-img', reason: 'layers of its disk', kinds: ['vm'] },
  { name: 'e2fsprogs', program: 'mke2fs', reason: 'makes its disk', kinds: ['vm'] },
];
