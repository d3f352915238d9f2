"""The options of the tools that Dockerfiles call, as data: which of them take the next word as their value.

What surprises: an option that is not listed takes no value, so only those with one, and those with several names, are
here. `-t|--target=` has two names and a value; `--emoji?` takes one after `=` only, and is listed for its other names;
the first long name is what a `Call` lists it under. The names come from the tools' own help texts and manuals.
"""

from functools import cache

from msgspec import Struct

APT = """
    -y|--yes|--assume-yes -q|--quiet -d|--download-only -s|--simulate|--just-print|--dry-run -f|--fix-broken
    -m|--ignore-missing|--fix-missing -u|--show-upgraded -b|--compile|--build
    -o|--option= -c|--config-file= -t|--target-release|--default-release= -a|--host-architecture=
    -P|--build-profiles= --with-source= --solver= --planner=
"""
DNF = """
    -y|--assumeyes|--yes -q|--quiet -v|--verbose -b|--best -C|--cacheonly --repo|--repoid=
    -c|--config= -d|--debuglevel= -e|--errorlevel= -x|--exclude|--excludepkgs= -R|--randomwait= --enablerepo=
    --disablerepo= --repofrompath= --releasever= --installroot= --setopt= --setvar= --rpmverbosity= --forcearch=
    --comment= --advisory|--advisories= --bz|--bzs= --cve|--cves= --sec-severity|--secseverity= --color= --destdir=
    --downloaddir= --enableplugin= --disableplugin= --arch= --from-repo= --noplugins
"""
NPM = """
    -y|--yes -g|--global -D|--save-dev -S|--save -P|--save-prod -O|--save-optional -E|--save-exact -B|--save-bundle
    -f|--force -a|--all -l|--long -p|--parseable -n|--no-yes -q|--quiet -s|--silent -d|--verbose -h|--help -v|--version
    -ws|--workspaces -iwr|--include-workspace-root
    --production --dev --optional --legacy-peer-deps --no-audit --no-fund --ignore-scripts --unsafe-perm --no-save
    -C|--prefix= -w|--workspace= -L|--location= -c|--call= -m|--message= --registry|--reg= --access= --allow-scripts=
    --also= --audit-level= --auth-type= --before= --ca= --cache= --cache-max= --cache-min= --cafile= --cert= --cidr=
    --cpu= --depth= --diff= --editor= --fetch-retries= --fetch-retry-factor= --fetch-retry-maxtimeout=
    --fetch-retry-mintimeout= --fetch-timeout= --git= --globalconfig= --https-proxy= --include= --init-version=
    --install-strategy= --key= --libc= --local-address= --lockfile-version= --loglevel= --logs-dir= --logs-max=
    --maxsockets= --min-release-age= --name= --node-gyp= --node-options= --noproxy= --omit= --only= --os= --otp=
    --pack-destination= --package= --preid= --proxy= --python= --replace-registry-host= --save-prefix= --sbom-format=
    --sbom-type= --scope= --script-shell= --shell= --tag= --tag-version-prefix= --umask= --user-agent= --userconfig=
    --viewer= --which=
"""
PNPM = """
    -y|--yes -g|--global -D|--save-dev|--dev -P|--save-prod|--prod|--production -O|--save-optional -E|--save-exact
    -r|--recursive -w|--workspace-root -f|--force -s|--silent --frozen-lockfile --no-frozen-lockfile --offline
    --prefer-offline --ignore-scripts --shamefully-hoist --no-optional --unsafe-perm
    -C|--dir|--prefix= -F|--filter= --filter-prod= --reporter= --loglevel= --store-dir= --lockfile-dir= --modules-dir=
    --virtual-store-dir= --state-dir= --cache-dir= --global-dir= --global-bin-dir= --network-concurrency=
    --child-concurrency= --workspace-concurrency= --registry= --node-linker= --package-import-method= --resume-from=
    --use-node-version= --changed-files-ignore-pattern= --test-pattern= --script-shell= --fetch-retries=
    --fetch-timeout= --cpu= --os= --libc= --depth= --save-catalog-name= --allow-build= --package= --shell=
    --resolution-mode= --trust-policy= --userconfig= --https-proxy= --proxy= --tag=
"""
YARN = """
    -D|--dev -P|--peer -O|--optional -E|--exact -T|--tilde -W|--ignore-workspace-root-check -s|--silent -A|--all
    -f|--force -i|--interactive -C|--caret -F|--fixed -v|--version -h|--help -R|--recursive -p|--parallel
    --production --prod --frozen-lockfile --immutable --inline-builds --check-cache
    --cwd= --registry= --cache-folder= --modules-folder= --preferred-cache-folder= --global-folder= --link-folder=
    --network-timeout= --network-concurrency= --mutex= --use-yarnrc= --prefix= --proxy= --https-proxy= --otp= --mode=
    --pattern= --tag= --access= --jobs|-j= --include= --exclude= --from= --since? --emoji?
"""
BUN = """
    -y|--yarn -g|--global -d|--dev|--development -D|--save-dev -E|--exact -p|--production -f|--force -h|--help
    --frozen-lockfile --ignore-scripts --no-save --no-cache
    -c|--config= --cwd= --registry= --cache-dir= --backend= --network-concurrency= --concurrent-scripts= --ca= --cafile=
    --omit= --filter|-F= --linker= --cpu= --os= --minimum-release-age= --outdir= --outfile= --target= --env-file=
    --preload|-r= --eval|-e= --print= --port= --shell= --format= --define= --external= --entry-naming= --public-dir=
"""
COMPOSER = """
    -n|--no-interaction -q|--quiet -v|--verbose -o|--optimize-autoloader|--optimize -a|--classmap-authoritative
    -h|--help -V|--version -W|--with-all-dependencies|--update-with-all-dependencies -w|--with-dependencies
    --apcu-autoloader --no-dev --no-scripts --no-plugins --no-progress --no-autoloader --no-cache --prefer-dist
    -d|--working-dir= -s|--stability= --apcu-autoloader-prefix= --ignore-platform-req= --prefer-install= --repository=
    --repository-url= --format= --dir= --file= --with=
"""
PIP = """
    -U|--upgrade -q|--quiet -v|--verbose -y|--yes -I|--ignore-installed --no-cache-dir --no-deps --user --pre
    --break-system-packages --force-reinstall --no-input --disable-pip-version-check
    -r|--requirement= -c|--constraint= -e|--editable= -t|--target= -C|--config-settings= -i|--index-url|--pypi-url=
    -f|--find-links= -w|--wheel-dir= -d|--dest= --extra-index-url= --platform= --python-version= --implementation=
    --abi= --root= --prefix= --src= --upgrade-strategy= --global-option= --build-option= --install-option= --no-binary=
    --only-binary= --progress-bar= --root-user-action= --report= --python= --log= --keyring-provider= --proxy=
    --retries= --timeout= --exists-action= --trusted-host= --cert= --client-cert= --cache-dir= --use-feature=
    --use-deprecated= --hash= --group=
"""
GIT = """
    -C= -c|--config= --git-dir= --work-tree= --namespace= --super-prefix= --config-env= --exec-path?
    -b|--branch= -o|--origin= -u|--upload-pack= -j|--jobs= --depth= --template= --reference= --reference-if-able=
    --shallow-since= --shallow-exclude= --separate-git-dir= --server-option= --filter= --bundle-uri= --message|-m=
    --deepen= --revision= --ref-format= -q|--quiet -v|--verbose -n|--no-checkout -l|--local -s|--shared -f|--force
    --recurse-submodules|--recursive?
"""
CURL = """
    -f|--fail -s|--silent -S|--show-error -L|--location -k|--insecure -O|--remote-name -J|--remote-header-name
    -v|--verbose -i|--include -I|--head -g|--globoff -G|--get -N|--no-buffer -n|--netrc -a|--append -p|--proxytunnel
    -R|--remote-time -Z|--parallel -#|--progress-bar -q|--disable -B|--use-ascii -j|--junk-session-cookies
    -l|--list-only -V|--version -M|--manual -0|--http1.0 -1|--tlsv1 -2|--sslv2 -3|--sslv3 -4|--ipv4 -6|--ipv6
    -A|--user-agent= -b|--cookie= -c|--cookie-jar= -C|--continue-at= -d|--data|--data-ascii= -D|--dump-header=
    -e|--referer= -E|--cert= -F|--form= -h|--help= -H|--header= -K|--config= -m|--max-time= -o|--output= -P|--ftp-port=
    -Q|--quote= -r|--range= -t|--telnet-option= -T|--upload-file= -u|--user= -U|--proxy-user= -w|--write-out=
    -x|--proxy= -X|--request= -y|--speed-time= -Y|--speed-limit= -z|--time-cond= --preproxy=
    --abstract-unix-socket= --alt-svc= --aws-sigv4= --cacert= --capath= --cert-type= --ciphers= --connect-timeout=
    --connect-to= --create-file-mode= --crlfile= --curves= --data-binary= --data-raw= --data-urlencode= --delegation=
    --dns-interface= --dns-ipv4-addr= --dns-ipv6-addr= --dns-servers= --doh-url= --egd-file= --engine= --etag-compare=
    --etag-save= --expect100-timeout= --form-string= --ftp-account= --ftp-alternative-to-user= --ftp-method=
    --ftp-ssl-ccc-mode= --happy-eyeballs-timeout-ms= --haproxy-clientip= --hostpubmd5= --hostpubsha256= --hsts=
    --interface= --ip-tos= --json= --keepalive-time= --key= --key-type= --krb= --libcurl= --limit-rate= --local-port=
    --login-options= --mail-auth= --mail-from= --mail-rcpt= --max-filesize= --max-redirs= --netrc-file= --noproxy=
    --oauth2-bearer= --output-dir= --parallel-max= --pass= --pinnedpubkey= --proto= --proto-default= --proto-redir=
    --proxy-cacert= --proxy-capath= --proxy-cert= --proxy-cert-type= --proxy-ciphers= --proxy-crlfile= --proxy-header=
    --proxy-key= --proxy-key-type= --proxy-pass= --proxy-pinnedpubkey= --proxy-service-name= --proxy-tls13-ciphers=
    --proxy-tlsauthtype= --proxy-tlspassword= --proxy-tlsuser= --proxy1.0= --pubkey= --random-file= --rate=
    --request-target= --resolve= --retry= --retry-delay= --retry-max-time= --sasl-authzid= --service-name= --socks4=
    --socks4a= --socks5= --socks5-gssapi-service= --socks5-hostname= --stderr= --tftp-blksize= --tls-max=
    --tls13-ciphers= --tlsauthtype= --tlspassword= --tlsuser= --trace= --trace-ascii= --trace-config= --unix-socket=
    --url= --url-query= --variable= --vlan-priority=
"""
WGET = """
    -q|--quiet -v|--verbose -c|--continue -N|--timestamping -r|--recursive -b|--background -S|--server-response
    -4|--inet4-only -6|--inet6-only -x|--force-directories -k|--convert-links -p|--page-requisites -m|--mirror
    -e|--execute= -o|--output-file= -a|--append-output= -i|--input-file= -B|--base= -t|--tries= -O|--output-document=
    -T|--timeout= -w|--wait= -Q|--quota= -P|--directory-prefix= -U|--user-agent= -l|--level= -A|--accept= -R|--reject=
    -D|--domains= -I|--include-directories= -X|--exclude-directories= --config= --rejected-log= --retry-on-http-error=
    --start-pos= --progress= --dns-timeout= --connect-timeout= --read-timeout= --waitretry= --bind-address=
    --report-speed= --limit-rate= --restrict-file-names= --prefer-family= --user= --password= --use-askpass=
    --local-encoding= --remote-encoding= --cut-dirs= --http-user= --http-password= --default-page= --header=
    --compression= --proxy-user=
    --proxy-password= --referer= --load-cookies= --save-cookies= --post-data= --post-file= --method= --body-data=
    --body-file= --secure-protocol= --certificate= --certificate-type= --private-key= --private-key-type=
    --ca-certificate= --ca-directory= --crl-file= --pinnedpubkey= --ciphers= --ftp-user= --ftp-password= --warc-file=
    --warc-header= --warc-max-size= --warc-dedup= --warc-tempdir= --accept-regex= --reject-regex= --regex-type=
    --exclude-domains= --follow-tags= --ignore-tags= --hsts-file=
"""
TAR = """
    -x|--extract|--get -c|--create -t|--list -r|--append -u|--update -d|--diff -z|--gzip|--gunzip -j|--bzip2 -J|--xz
    -v|--verbose -p|--preserve-permissions -k|--keep-old-files -h|--dereference -a|--auto-compress -O|--to-stdout
    -f|--file= -C|--directory= -T|--files-from= -X|--exclude-from= -g|--listed-incremental= -b|--blocking-factor=
    -F|--info-script|--new-volume-script= -L|--tape-length= -H|--format= -V|--label= -I|--use-compress-program=
    -K|--starting-file= -N|--newer|--after-date= --exclude= --strip-components= --transform|--xform= --owner= --group=
    --mode= --mtime= --sort= --warning= --suffix= --to-command= --exclude-tag= --exclude-tag-all= --exclude-ignore=
    --record-size= --newer-mtime= --add-file= --owner-map= --group-map= --rmt-command= --rsh-command= --volno-file=
    --hole-detection= --level= --sparse-version= --xattrs-include= --xattrs-exclude= --checkpoint-action=
    --index-file= --quoting-style= --quote-chars= --no-quote-chars= --exclude-tag-under= --exclude-ignore-recursive=
"""
USERADD = """
    -m|--create-home -M|--no-create-home -r|--system -l|--no-log-init -U|--user-group -N|--no-user-group -o|--non-unique
    -D|--defaults -F|--add-subids-for-system
    -b|--base-dir= -c|--comment= -d|--home-dir|--home= -e|--expiredate= -f|--inactive= -g|--gid= -G|--groups= -k|--skel=
    -K|--key= -p|--password= -R|--root= -P|--prefix= -s|--shell= -u|--uid= -Z|--selinux-user= --badname
"""
ADDUSER = """
    -D|--disabled-password -S|--system -H|--no-create-home -q|--quiet -v|--verbose --disabled-login --group
    -h|--home= -g|--gecos|--comment= -s|--shell= -G|--ingroup= -u|--uid= -k|--skel= -c|--conf=
    --gid= --firstuid= --lastuid= --firstgid= --lastgid= --add_extra_groups --add-extra-groups
"""  # Debian's has long names alone, busybox's short ones; they do not collide
_CHOWN = "-R|--recursive -v|--verbose -c|--changes -f|--silent|--quiet -h|--no-dereference --from= --reference="

TABLES = {
    "apt-get": APT,
    "apt": APT,
    "apk": """
        -q|--quiet -v|--verbose -f|--force -i|--interactive -U|--update-cache -u|--upgrade -l|--latest -r|--rdepends
        --no-cache --no-progress --purge --allow-untrusted --no-network
        -p|--root= -X|--repository= -t|--virtual= -o|--output= --arch= --keys-dir= --repositories-file= --wait=
        --cache-dir= --cache-max-age= --progress-fd= --timeout= --repository-config=
    """,
    "dnf": DNF,
    "microdnf": DNF,
    "yum": DNF,
    "zypper": """
        -n|--non-interactive -q|--quiet -v|--verbose -y|--no-confirm -l|--auto-agree-with-licenses -D|--dry-run
        -a|--all -f|--force --no-recommends --no-refresh --gpg-auto-import-keys --no-gpg-checks
        -R|--root= -C|--cache-dir= -c|--config= -p|--plus-repo= -r|--repo= -t|--type= --from= --reposd-dir=
        --raw-cache-dir= --solv-cache-dir= --pkg-cache-dir= --userdata= --releasever= --installroot= --plus-content=
        --name= --download=
    """,
    "npm": NPM,
    "pnpm": PNPM,
    "yarn": YARN,
    "bun": BUN,
    "composer": COMPOSER,
    "pip": PIP,
    "pecl": """
        -f|--force -n|--nodeps -r|--register-only -s|--soft -B|--nobuild -Z|--nocompress -a|--alldeps -o|--onlyreqdeps
        -R|--installroot= -P|--packagingroot= -D|--configureoptions= --ignore-errors --offline
    """,
    "docker-php-ext-install": "-j|--jobs= --ini-name=",
    "docker-php-ext-configure": "--ini-name=",
    "docker-php-ext-enable": "--ini-name=",
    "git": GIT,
    "curl": CURL,
    "wget": WGET,
    "tar": TAR,
    "rm": "-r|--recursive|-R -f|--force -d|--dir -v|--verbose -i --one-file-system --no-preserve-root",
    "chown": _CHOWN,
    "chgrp": _CHOWN,
    "chmod": "-R|--recursive -v|--verbose -c|--changes -f|--silent|--quiet --reference=",
    "useradd": USERADD,
    "groupadd": """
        -f|--force -o|--non-unique -r|--system -g|--gid= -K|--key= -p|--password= -R|--root= -P|--prefix= -U|--users=
    """,
    "adduser": ADDUSER,
    "addgroup": "-S|--system -q|--quiet -v|--verbose -g|--gid= -c|--conf= --firstgid= --lastgid=",
    # programs that run another: their own options stand before its name
    "sudo": """
        -E|--preserve-env? -H|--set-home -n|--non-interactive -S|--stdin -b|--background -k|--reset-timestamp -i|--login
        -s|--shell -u|--user= -g|--group= -h|--host= -p|--prompt= -C|--close-from= -D|--chdir= -R|--chroot=
        -r|--role= -t|--type= -T|--command-timeout=
    """,
    "env": "-i|--ignore-environment -0|--null -v|--debug -u|--unset= -C|--chdir=",
    "time": "-p|--portability -v|--verbose -a|--append -o|--output= -f|--format=",
    "timeout": "-v|--verbose --foreground --preserve-status -k|--kill-after= -s|--signal=",
    "exec": "-a= -c -l",
    "nice": "-n|--adjustment=",
    "command": "",
    "nohup": "",
    "eatmydata": "",
}

SUBCOMMANDS = {  # tool -> what else its subcommands are called
    "apt-get": {},
    "apt": {},
    "apk": {},
    "dnf": {"in": "install", "up": "upgrade", "update": "upgrade", "rm": "remove", "erase": "remove"},
    "microdnf": {"update": "upgrade", "erase": "remove"},
    "yum": {"update": "upgrade", "erase": "remove"},
    "zypper": {"in": "install", "rm": "remove", "up": "update", "ref": "refresh", "cc": "clean", "ar": "addrepo"},
    "npm": {
        **dict.fromkeys(("add", "i", "in", "ins", "inst", "insta", "instal"), "install"),
        **dict.fromkeys(("isnt", "isnta", "isntal", "isntall"), "install"),
        **dict.fromkeys(("clean-install", "ic", "install-clean", "isntall-clean"), "ci"),
        **dict.fromkeys(("run-script", "rum", "urn"), "run"),
        **dict.fromkeys(("un", "uninstall", "unlink", "remove", "rm", "r"), "uninstall"),
        **dict.fromkeys(("up", "upgrade", "udpate"), "update"),
        "x": "exec",
        "c": "config",
        "t": "test",
    },
    "pnpm": {
        "i": "install",
        **dict.fromkeys(("rm", "uninstall", "un"), "remove"),
        **dict.fromkeys(("up", "upgrade"), "update"),
        "run-script": "run",
    },
    "yarn": {"": "install"},
    "bun": {"i": "install", "a": "add", "rm": "remove", "x": "exec"},
    "composer": {"i": "install", "u": "update", "upgrade": "update", "r": "require", "cc": "clear-cache",
                 "clearcache": "clear-cache", "dumpautoload": "dump-autoload"},
    "pip": {},
    "pecl": {"i": "install"},
    "git": {},
}  # fmt: skip
PREFIXES = frozenset(("sudo", "env", "time", "timeout", "exec", "nice", "command", "nohup", "eatmydata"))
NPM_LIKE = frozenset(("npm", "pnpm"))  # nopt reads their words: `--flag true`, `-production`, no value after a flag


class OptionTable(Struct, frozen=True):
    """`names` leads from each spelling to the one a Call uses; `valued` are those that take the next word."""

    names: dict[str, str]
    valued: frozenset[str]


@cache
def option_table(tool: str) -> OptionTable:
    """The table of one tool. Raises KeyError for a tool that has none."""
    names: dict[str, str] = {}
    valued: set[str] = set()
    for entry in TABLES[tool].split():
        spellings = entry.rstrip("=?").split("|")
        name = next((spelling for spelling in spellings if spelling.startswith("--")), spellings[0])
        names.update(dict.fromkeys(spellings, name))
        if entry.endswith("="):
            valued.add(name)
    return OptionTable(names, frozenset(valued))
