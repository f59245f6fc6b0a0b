# The only PBX left is sick and nobody holds the group: an operator forces it.
cluster 2 1
run 3000
pbx n2 sick
power-off n1
run 4000
expect-holder -
operator n2 switchover n2
operator n2 failover n2
run 2000
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
[  3000] n2: the PBX is sick
[  3000] n1 loses power
[  3001] n2 > g1 R320 epoch 1.n2: not fit: do not ask (pbx_sick)
[  5100] n1 corosync: quorum lost
[  7000] n2 operator: switchover n2: refused, no_holder
[  7000] n2 operator: failover --force n2: accepted
[  7001] n2 > g1 R406 epoch 1.n2: an operator's move of the group begins
[  7001] n2 > g1 R130 epoch 1.n2: an operator moves the group here: ask as soon as the voters are free
[  7003] n2 = record g1 takeover begins: cause operator, from n1, epoch 3.n2
[  7003] n2 ! g1 gate open
[  7003] n2 > g1 R400 epoch 3.n2: lease won: the gate is open, announce, then wake
[  7003] n2   g1 step announce
[  7003] n2 > g1 R271 epoch 3.n2: the PBX does not answer SIP, but nobody can take over: keep, it may recover
[  7005] n2   g1 step wake-pbx
[  7007] n2   g1 step verify
[  7009] n2 = record g1 takeover: cause operator, from n1, epoch 3.n2
[  7009] n2 > g1 R407 epoch 3.n2: an operator's move of the group is done
[  7009] n2 = record operation: done
