# The lines of both nodes take turns in dying: two moves, then the group stays until ten minutes have passed. n1, that
# was told of n2's move by n2, counts it.
cluster 2 1
with-uplinks
run 6000
uplinks n1 bad bad
run 6000
expect-holder n2
uplinks n1 good good
run 6000
uplinks n2 bad bad
run 6000
expect-holder n1
uplinks n2 good good
run 6000
uplinks n1 bad bad
run 60000
expect-holder n1
run 530000
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
[  6000] n1 uplink 1 is bad
[  6000] n1 uplink 2 is bad
[  6001] n1 > g1 R610 epoch 2.n1: no path here and another node has one: a moment, to see whether the cause is shared
[  9003] n1 > g1 R612 epoch 2.n1: no path here and another node has one: hand over
[  9003] n1 ! g1 gate shut
[  9003] n1 > g1 R402 epoch 2.n1: gate shut, lease released (uplink)
[  9003] n1 = record g1 let-go begins: cause uplink, to n2, epoch 2.n1
[  9003] n1 > g1 R110 epoch 2.n1: fit and nobody seen to hold: ask when the voters are free
[  9003] n1   g1 step announce-stop
[  9005] n1   g1 step destroy-sockets
[  9006] n2 = record g1 takeover begins: cause release, from n1, epoch 3.n2
[  9006] n2 ! g1 gate open
[  9006] n2 > g1 R400 epoch 3.n2: lease won: the gate is open, announce, then wake
[  9006] n2   g1 step announce
[  9006] n2 > g1 R120 epoch 3.n2: lease held and nothing wrong here: keep holding
[  9007] n1   g1 step muzzle-pbx
[  9008] n2   g1 step wake-pbx
[  9009] n1 = record g1 let-go: cause uplink, to n2, epoch 2.n1
[  9010] n2   g1 step verify
[  9012] n2 = record g1 takeover: cause release, from n1, epoch 3.n2
[  9103] n1 > g1 R111 epoch 2.n1: fit, another node holds the group: stand by, ask when the voters are free
[ 12000] n1 uplink 1 is good
[ 12000] n1 uplink 2 is good
[ 18000] n2 uplink 1 is bad
[ 18000] n2 uplink 2 is bad
[ 18001] n2 > g1 R610 epoch 3.n2: no path here and another node has one: a moment, to see whether the cause is shared
[ 21002] n2 > g1 R612 epoch 3.n2: no path here and another node has one: hand over
[ 21002] n2 ! g1 gate shut
[ 21002] n2 > g1 R402 epoch 3.n2: gate shut, lease released (uplink)
[ 21002] n2 = record g1 let-go begins: cause uplink, to n1, epoch 3.n2
[ 21002] n2 > g1 R110 epoch 3.n2: fit and nobody seen to hold: ask when the voters are free
[ 21002] n2   g1 step announce-stop
[ 21003] n1 > g1 R110 epoch 4.n1: fit and nobody seen to hold: ask when the voters are free
[ 21004] n2   g1 step destroy-sockets
[ 21005] n1 = record g1 takeover begins: cause release, from n2, epoch 4.n1
[ 21005] n1 ! g1 gate open
[ 21005] n1 > g1 R400 epoch 4.n1: lease won: the gate is open, announce, then wake
[ 21005] n1   g1 step announce
[ 21005] n1 > g1 R120 epoch 4.n1: lease held and nothing wrong here: keep holding
[ 21006] n2   g1 step muzzle-pbx
[ 21007] n1   g1 step wake-pbx
[ 21008] n2 = record g1 let-go: cause uplink, to n1, epoch 3.n2
[ 21009] n1   g1 step verify
[ 21011] n1 = record g1 takeover: cause release, from n2, epoch 4.n1
[ 21051] n2 > g1 R111 epoch 3.n2: fit, another node holds the group: stand by, ask when the voters are free
[ 24000] n2 uplink 1 is good
[ 24000] n2 uplink 2 is good
[ 30000] n1 uplink 1 is bad
[ 30000] n1 uplink 2 is bad
[ 30001] n1 > g1 R610 epoch 4.n1: no path here and another node has one: a moment, to see whether the cause is shared
[ 33003] n1 > g1 R611 epoch 4.n1: no path here and another node has one, but the group was moved too often lately: frozen
[609003] n1 > g1 R612 epoch 4.n1: no path here and another node has one: hand over
[609003] n1 ! g1 gate shut
[609003] n1 > g1 R402 epoch 4.n1: gate shut, lease released (uplink)
[609003] n1 = record g1 let-go begins: cause uplink, to n2, epoch 4.n1
[609003] n1 > g1 R110 epoch 4.n1: fit and nobody seen to hold: ask when the voters are free
[609003] n1   g1 step announce-stop
[609005] n1   g1 step destroy-sockets
[609006] n2 = record g1 takeover begins: cause release, from n1, epoch 5.n2
[609006] n2 ! g1 gate open
[609006] n2 > g1 R400 epoch 5.n2: lease won: the gate is open, announce, then wake
[609006] n2   g1 step announce
[609006] n2 > g1 R120 epoch 5.n2: lease held and nothing wrong here: keep holding
[609007] n1   g1 step muzzle-pbx
[609008] n2   g1 step wake-pbx
[609009] n1 = record g1 let-go: cause uplink, to n2, epoch 4.n1
[609010] n2   g1 step verify
[609012] n2 = record g1 takeover: cause release, from n1, epoch 5.n2
[609103] n1 > g1 R111 epoch 4.n1: fit, another node holds the group: stand by, ask when the voters are free
