# The PBX of the holder dies, seen at once. Later the other one dies too, and nobody is left: keep and say so.
cluster 2 1
run 3000
pbx n1 dead
run 2000
expect-holder n2
pbx n2 dead
run 2000
expect-holder n2
pbx n1 healthy
run 2000
expect-holder n1
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
[  3000] n1: the PBX is dead
[  3001] n1 > g1 R260 epoch 2.n1: the PBX is dead: hand over at once
[  3001] n1 ! g1 gate shut
[  3001] n1 > g1 R402 epoch 2.n1: gate shut, lease released (pbx_dead)
[  3001] n1 = record g1 let-go begins: cause pbx_dead, to n2, epoch 2.n1
[  3001] n1 > g1 R320 epoch 2.n1: not fit: do not ask (pbx_dead)
[  3001] n1   g1 step announce-stop
[  3003] n1   g1 step destroy-sockets
[  3004] n2 = record g1 takeover begins: cause release, from n1, epoch 3.n2
[  3004] n2 ! g1 gate open
[  3004] n2 > g1 R400 epoch 3.n2: lease won: the gate is open, announce, then wake
[  3004] n2   g1 step announce
[  3004] n2 > g1 R120 epoch 3.n2: lease held and nothing wrong here: keep holding
[  3005] n1   g1 step muzzle-pbx
[  3006] n2   g1 step wake-pbx
[  3007] n1 = record g1 let-go: cause pbx_dead, to n2, epoch 2.n1
[  3008] n2   g1 step verify
[  3010] n2 = record g1 takeover: cause release, from n1, epoch 3.n2
[  5000] n2: the PBX is dead
[  5001] n2 > g1 R261 epoch 3.n2: the PBX is dead, but nobody can take over: keep, it may come back; start a PBX
[  7000] n1: the PBX is healthy
[  7001] n1 > g1 R111 epoch 2.n1: fit, another node holds the group: stand by, ask when the voters are free
[  7002] n2 > g1 R260 epoch 3.n2: the PBX is dead: hand over at once
[  7002] n2 ! g1 gate shut
[  7002] n2 > g1 R402 epoch 3.n2: gate shut, lease released (pbx_dead)
[  7002] n2 = record g1 let-go begins: cause pbx_dead, to n1, epoch 3.n2
[  7002] n2 > g1 R320 epoch 3.n2: not fit: do not ask (pbx_dead)
[  7002] n2   g1 step announce-stop
[  7004] n2   g1 step destroy-sockets
[  7005] n1 = record g1 takeover begins: cause release, from n2, epoch 4.n1
[  7005] n1 ! g1 gate open
[  7005] n1 > g1 R400 epoch 4.n1: lease won: the gate is open, announce, then wake
[  7005] n1   g1 step announce
[  7005] n1 > g1 R120 epoch 4.n1: lease held and nothing wrong here: keep holding
[  7006] n2   g1 step muzzle-pbx
[  7007] n1   g1 step wake-pbx
[  7008] n2 = record g1 let-go: cause pbx_dead, to n1, epoch 3.n2
[  7009] n1   g1 step verify
[  7011] n1 = record g1 takeover: cause release, from n2, epoch 4.n1
