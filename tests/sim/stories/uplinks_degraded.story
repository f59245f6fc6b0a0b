# All that n1 has is degraded and n2 is good, failback = auto: nothing moves while a call is up, and then it does.
cluster 2 1
failback auto 3000
with-uplinks
run 3000
calls n1 1
uplinks n1 degraded degraded
run 20000
expect-holder n1
calls n1 0
run 4000
expect-holder n2
----
[     0] n1 corosync: quorate
[     0] n2 corosync: quorate
[     1] w3 agent starts
[     1] w3 ! g1 gate shut
[    50] n1 agent starts
[    50] n1 ! g1 gate shut
[    50] n1   g1 step announce-stop
[    50] n1 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[    52] n1   g1 step destroy-sockets
[    54] n1   g1 step muzzle-pbx
[   402] n2 agent starts
[   402] n2 ! g1 gate shut
[   402] n2   g1 step announce-stop
[   402] n2 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[   404] n2   g1 step destroy-sockets
[   404] n2 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   404] n1 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   406] n2   g1 step muzzle-pbx
[   406] n1 = record g1 takeover begins: cause vacant, from -, epoch 1.n1
[   406] n1 ! g1 gate open
[   406] n1 > g1 R400 epoch 1.n1: lease won: the gate is open, announce, then wake
[   406] n1   g1 step announce
[   406] n1 > g1 R120 epoch 1.n1: lease held and nothing wrong here: keep holding
[   408] n1   g1 step wake-pbx
[   410] n1   g1 step verify
[   412] n1 = record g1 takeover: cause vacant, from -, epoch 1.n1
[   451] n2 > g1 R111 epoch 1.n2: fit, another node holds the group: stand by, ask when the voters are free
[   508] n1 > g1 R404 epoch 2.n1: epoch raised while holding, so that a voter can follow
[  3000] n1: calls 1
[  3000] n1 uplink 1 is degraded
[  3000] n1 uplink 2 is degraded
[  3001] n1 > g1 R620 epoch 2.n1: degraded here and another node is good, but calls are up: when none is
[ 23000] n1: calls 0
[ 25002] n1 > g1 R623 epoch 2.n1: degraded here, another node is good and no call is up: hand over
[ 25002] n1 ! g1 gate shut
[ 25002] n1 > g1 R402 epoch 2.n1: gate shut, lease released (uplink)
[ 25002] n1 = record g1 let-go begins: cause uplink, to n2, epoch 2.n1
[ 25002] n1 > g1 R110 epoch 2.n1: fit and nobody seen to hold: ask when the voters are free
[ 25002] n1   g1 step announce-stop
[ 25004] n1   g1 step destroy-sockets
[ 25005] n2 = record g1 takeover begins: cause release, from n1, epoch 3.n2
[ 25005] n2 ! g1 gate open
[ 25005] n2 > g1 R400 epoch 3.n2: lease won: the gate is open, announce, then wake
[ 25005] n2   g1 step announce
[ 25005] n2 > g1 R120 epoch 3.n2: lease held and nothing wrong here: keep holding
[ 25006] n1   g1 step muzzle-pbx
[ 25007] n2   g1 step wake-pbx
[ 25008] n1 = record g1 let-go: cause uplink, to n2, epoch 2.n1
[ 25009] n2   g1 step verify
[ 25011] n2 = record g1 takeover: cause release, from n1, epoch 3.n2
[ 25103] n1 > g1 R111 epoch 2.n1: fit, another node holds the group: stand by, ask when the voters are free
