# Both lines of the holder die, with a call up: three seconds to see whether the cause is shared, then n2 has the group.
cluster 2 1
with-uplinks
run 3000
calls n1 1
uplinks n1 bad bad
run 2900
expect-holder n1
run 1500
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
[  3000] n1 uplink 1 is bad
[  3000] n1 uplink 2 is bad
[  3001] n1 > g1 R610 epoch 2.n1: no path here and another node has one: a moment, to see whether the cause is shared
[  6003] n1 > g1 R612 epoch 2.n1: no path here and another node has one: hand over
[  6003] n1 ! g1 gate shut
[  6003] n1 > g1 R402 epoch 2.n1: gate shut, lease released (uplink)
[  6003] n1 = record g1 let-go begins: cause uplink, to n2, epoch 2.n1
[  6003] n1 > g1 R110 epoch 2.n1: fit and nobody seen to hold: ask when the voters are free
[  6003] n1   g1 step announce-stop
[  6005] n1   g1 step destroy-sockets
[  6006] n2 = record g1 takeover begins: cause release, from n1, epoch 3.n2
[  6006] n2 ! g1 gate open
[  6006] n2 > g1 R400 epoch 3.n2: lease won: the gate is open, announce, then wake
[  6006] n2   g1 step announce
[  6006] n2 > g1 R120 epoch 3.n2: lease held and nothing wrong here: keep holding
[  6007] n1   g1 step muzzle-pbx
[  6008] n2   g1 step wake-pbx
[  6009] n1 = record g1 let-go: cause uplink, to n2, epoch 2.n1
[  6010] n2   g1 step verify
[  6012] n2 = record g1 takeover: cause release, from n1, epoch 3.n2
[  6103] n1 > g1 R111 epoch 2.n1: fit, another node holds the group: stand by, ask when the voters are free
