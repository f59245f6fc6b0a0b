# Two admins move the same group to different nodes at the same moment: the later command in the order of the
# cluster wins everywhere, the earlier one is recorded as superseded.
cluster 3 0
run 3000
operator n1 switchover n2
operator n2 switchover n3
run 4000
expect-holder n3
----
[     0] n1 corosync: quorate
[     0] n2 corosync: quorate
[     0] n3 corosync: quorate
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
[   403] n3 agent starts
[   403] n3 ! g1 gate shut
[   403] n3   g1 step announce-stop
[   403] n3 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[   404] n2   g1 step destroy-sockets
[   404] n2 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   404] n1 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   405] n3   g1 step destroy-sockets
[   405] n3 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   406] n2   g1 step muzzle-pbx
[   407] n3   g1 step muzzle-pbx
[   454] n1 = record g1 takeover begins: cause vacant, from -, epoch 1.n1
[   454] n1 ! g1 gate open
[   454] n1 > g1 R400 epoch 1.n1: lease won: the gate is open, announce, then wake
[   454] n1   g1 step announce
[   454] n1 > g1 R120 epoch 1.n1: lease held and nothing wrong here: keep holding
[   456] n1   g1 step wake-pbx
[   458] n1   g1 step verify
[   460] n1 = record g1 takeover: cause vacant, from -, epoch 1.n1
[   551] n2 > g1 R111 epoch 0.-: fit, another node holds the group: stand by, ask when the voters are free
[   551] n3 > g1 R111 epoch 0.-: fit, another node holds the group: stand by, ask when the voters are free
[  3000] n1 operator: switchover n2: accepted
[  3000] n2 operator: switchover n3: accepted
[  3001] n1 > g1 R406 epoch 1.n1: an operator's move of the group begins
[  3001] n1 > g1 R210 epoch 1.n1: an operator moves the group and its target is ready: hand over
[  3001] n1 ! g1 gate shut
[  3001] n1 > g1 R402 epoch 1.n1: gate shut, lease released (operator)
[  3001] n1 = record g1 let-go begins: cause operator, to n2, epoch 1.n1
[  3001] n1 > g1 R110 epoch 1.n1: fit and nobody seen to hold: ask when the voters are free
[  3001] n1   g1 step announce-stop
[  3001] n2 > g1 R406 epoch 0.-: an operator's move of the group begins
[  3001] n2 > g1 R130 epoch 0.-: an operator moves the group here: ask as soon as the voters are free
[  3001] n3 > g1 R406 epoch 0.-: an operator's move of the group begins
[  3001] n1 > g1 R408 epoch 1.n1: an operator's move of the group failed (superseded)
[  3001] n1 = record operation: failed, superseded
[  3001] n1 > g1 R406 epoch 1.n1: an operator's move of the group begins
[  3001] n2 > g1 R408 epoch 0.-: an operator's move of the group failed (superseded)
[  3001] n2 > g1 R406 epoch 0.-: an operator's move of the group begins
[  3001] n2 > g1 R111 epoch 0.-: fit, another node holds the group: stand by, ask when the voters are free
[  3001] n3 > g1 R408 epoch 0.-: an operator's move of the group failed (superseded)
[  3001] n3 > g1 R406 epoch 0.-: an operator's move of the group begins
[  3001] n3 > g1 R130 epoch 0.-: an operator moves the group here: ask as soon as the voters are free
[  3003] n1   g1 step destroy-sockets
[  3004] n2 = record g1 takeover begins: cause release, from n1, epoch 2.n2
[  3004] n2 = record g1 takeover: cause release, from n1, epoch 2.n2, incomplete: none
[  3004] n2 = record g1 let-go begins: cause operator, to n3, epoch 2.n2
[  3004] n2 ! g1 gate open
[  3004] n2 > g1 R400 epoch 2.n2: lease won: the gate is open, announce, then wake
[  3004] n2   g1 step announce
[  3004] n2 > g1 R210 epoch 2.n2: an operator moves the group and its target is ready: hand over
[  3004] n2 ! g1 gate shut
[  3004] n2 > g1 R402 epoch 2.n2: gate shut, lease released (operator)
[  3004] n2 > g1 R110 epoch 2.n2: fit and nobody seen to hold: ask when the voters are free
[  3004] n2   g1 step announce-stop
[  3005] n1   g1 step muzzle-pbx
[  3006] n2   g1 step destroy-sockets
[  3007] n1 = record g1 let-go: cause operator, to n2, epoch 1.n1
[  3007] n3 = record g1 takeover begins: cause operator, from n2, epoch 3.n3
[  3007] n3 ! g1 gate open
[  3007] n3 > g1 R400 epoch 3.n3: lease won: the gate is open, announce, then wake
[  3007] n3   g1 step announce
[  3007] n3 > g1 R120 epoch 3.n3: lease held and nothing wrong here: keep holding
[  3008] n2   g1 step muzzle-pbx
[  3009] n3   g1 step wake-pbx
[  3010] n2 = record g1 let-go: cause operator, to n3, epoch 2.n2
[  3011] n3   g1 step verify
[  3013] n3 = record g1 takeover: cause operator, from n2, epoch 3.n3
[  3013] n3 > g1 R407 epoch 3.n3: an operator's move of the group is done
[  3104] n1 > g1 R407 epoch 1.n1: an operator's move of the group is done
[  3104] n1 > g1 R111 epoch 1.n1: fit, another node holds the group: stand by, ask when the voters are free
[  3104] n2 > g1 R407 epoch 2.n2: an operator's move of the group is done
[  3104] n2 = record operation: done
[  3104] n2 > g1 R111 epoch 2.n2: fit, another node holds the group: stand by, ask when the voters are free
